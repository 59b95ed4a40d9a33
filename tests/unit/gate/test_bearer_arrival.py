"""An Identity that a token states, over the real embedded store: it begins and continues, and never brings anybody back."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.gate.arrival import ArrivalRules, Arrivals, ArrivalStores
from proxy.gate.bearer_arrival import BearerArrivals, completed, newest
from proxy.identity import NOT_STATED, Groups, Identity, IdpId, Subject
from proxy.provisioning.model import AccountId, Binding, EntryState, Removed, Statement, Vouched
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, AccountState, Pending, Ready, Session, Tokens
from proxy.session.policy import RefreshRules
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store
from tests.fakes.people import CORP, groups, identity, key, session, subject

READY = Ready(login="alice", account_id="7")
NOW = 2000.0


class Lane:
    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.answer: AccountState = READY
        self.visits = 0
        self.woken = 0

    async def visit_now(self, subject: Subject) -> AccountState:
        self.visits += 1
        await self.store.sessions.set_account(subject, self.answer)
        return self.answer

    def wake(self) -> None:
        self.woken += 1


class Silent:
    """Hears nothing that matters here."""

    def arrived(self, session: Session) -> None: ...

    def turned_away(self, identity: Identity, reason: Reason) -> None: ...

    def cleared(self, subject: Subject) -> None:
        raise AssertionError("a token clears no suspicion")

    def removed(self, subject: Subject, idp: IdpId, reason: Reason, marker: str, ended: int) -> None: ...


class House:
    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.lane = Lane(store)
        self.refuse: Callable[[Identity], Reason | None] = lambda _: None

    def arrive(self, *, has_app: bool = True) -> BearerArrivals:
        stores = ArrivalStores(
            sessions=self.store.sessions,
            joint=self.store.joint,
            outbox=self.store.outbox,
            bindings=self.store.bindings,
            lane=self.lane if has_app else None,
        )
        rules = ArrivalRules(
            refresh=RefreshRules(), admit=lambda one: self.refuse(one), login_claim="username"
        )
        arrivals = Arrivals(stores, rules, Silent(), new_cookie=lambda: (b"c", key(99)), clock=lambda: NOW)
        return BearerArrivals(arrivals)

    async def said(self, one: Identity, at: float) -> None:
        """The IdP said this before, at a sign-in."""
        await self.store.outbox.note(vouched(one, at), NOW)

    async def bound(self, one: Identity, *, is_blocked: bool = False) -> None:
        """The person has an account by what was said."""
        claim = await self.store.outbox.claim(holder="h", now=NOW, seconds=60)
        assert claim is not None
        binding = Binding(subject=one.subject, account_id=AccountId("7"), login="alice")
        claim = await self.store.outbox.bind(claim, binding)
        assert claim is not None
        await self.store.outbox.ack(claim, now=NOW)
        if is_blocked:
            await self.store.bindings.update_binding(replace(binding, is_blocked=True))


def vouched(one: Identity, at: float, known: Groups | None = None) -> Statement:
    return Statement(
        source=CORP,
        subject=one.subject,
        says=Vouched(identity=replace(one, stated_at=at)),
        at=at,
        known_groups=one.groups if known is None else known,
    )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = open_store(tmp_path / "muster.db", load_keyring(tmp_path / "keys"))
    yield House(store)
    await store.close()


def from_token(one: Identity, **changes: Any) -> Session:
    return session(number=5, identity=one, account=Pending(), tokens=Tokens(), **changes)


async def test_a_newcomer_is_noted_and_visited_as_at_a_sign_in(house: House) -> None:
    begun = await house.arrive().begin(from_token(identity(groups=groups("a"))), now=NOW)
    assert begun.account == READY
    assert house.lane.visits == 1
    stored = await house.store.sessions.load(key(5))
    assert stored is not None
    assert stored.account == READY
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.state is EntryState.OPEN


async def test_a_bound_person_is_ready_at_once_and_the_courier_hears_of_news(house: House) -> None:
    one = identity(groups=groups("a"))
    await house.said(one, 900.0)
    await house.bound(one)
    later = replace(one, groups=groups("b"), stated_at=1900.0)
    begun = await house.arrive().begin(from_token(later), now=NOW)
    assert begun.account == READY
    assert (house.lane.visits, house.lane.woken) == (0, 1)
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.state is EntryState.OPEN, "another group was stated"


async def test_a_token_that_says_nothing_new_opens_nothing(house: House) -> None:
    one = identity(groups=groups("a"))
    await house.said(one, 900.0)
    await house.bound(one)
    await house.arrive().begin(from_token(replace(one, stated_at=1900.0)), now=NOW)
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.state is EntryState.DONE


async def test_without_an_app_the_claim_is_the_login(house: House) -> None:
    begun = await house.arrive(has_app=False).begin(from_token(identity()), now=NOW)
    assert begun.account == Ready(login="alice")
    assert await house.store.sessions.load(key(5)) == begun


async def test_a_statement_that_is_refused_makes_no_account(house: House) -> None:
    house.refuse = lambda _: Reason.DOMAIN_NOT_ALLOWED
    begun = await house.arrive().begin(from_token(identity()), now=NOW)
    assert begun.account == AccountRefused(reason=Reason.DOMAIN_NOT_ALLOWED)
    assert house.lane.visits == 0
    assert await house.store.outbox.entry_of(subject()) is None


async def test_a_denied_person_is_refused_by_an_address_that_the_token_leaves_out(house: House) -> None:
    one = identity()
    await house.said(one, 900.0)
    house.refuse = lambda stated: Reason.DENY_LISTED if stated.email == "alice@example.com" else None
    bare = replace(one, email=None, is_email_verified=False, stated_at=1900.0)
    begun = await house.arrive().begin(from_token(bare), now=NOW)
    assert begun.account == AccountRefused(reason=Reason.DENY_LISTED)


async def test_a_blocked_person_is_shut_out(house: House) -> None:
    one = identity()
    await house.said(one, 900.0)
    await house.bound(one, is_blocked=True)
    assert await house.arrive().shut(replace(one, stated_at=1e9)) is Reason.IDP_DENIED


async def test_a_removal_shuts_out_before_the_courier_blocked_and_however_new_the_token(house: House) -> None:
    one = identity()
    removal = Statement(source=CORP, subject=one.subject, says=Removed(reason=Reason.TIMER_FIRED), at=950.0)
    await house.said(one, 900.0)
    await house.store.outbox.note(removal, NOW)
    for stated_at in (800.0, 1e9):
        assert await house.arrive().shut(replace(one, stated_at=stated_at)) is Reason.TIMER_FIRED


async def test_another_idps_removal_shuts_nobody_out(house: House) -> None:
    one = identity()
    other = Statement(
        source=IdpId("other"), subject=one.subject, says=Removed(reason=Reason.TIMER_FIRED), at=950.0
    )
    await house.store.outbox.note(other, NOW)
    assert await house.arrive().shut(one) is None


async def test_nobody_is_shut_out_who_was_never_seen(house: House) -> None:
    assert await house.arrive().shut(identity()) is None


async def test_a_renewal_of_a_shut_out_person_is_refused_and_notes_nothing(house: House) -> None:
    one = identity()
    await house.said(one, 900.0)
    await house.bound(one, is_blocked=True)
    before = await house.store.outbox.entry_of(one.subject)
    await house.store.sessions.create(from_token(one))
    lease = await house.store.sessions.acquire(key(5), holder="h", now=NOW, seconds=9)
    assert lease is not None
    await house.arrive().renewed(from_token(replace(one, stated_at=1e9), version=2), lease=lease, now=NOW)
    after = await house.store.sessions.load(key(5))
    assert after is not None
    assert after.account == AccountRefused(reason=Reason.IDP_DENIED)
    assert await house.store.outbox.entry_of(one.subject) == before


async def test_a_renewal_looks_at_the_app_again(house: House) -> None:
    one = identity(groups=groups("a"))
    await house.said(one, 900.0)
    await house.bound(one)
    await house.store.sessions.create(replace(from_token(one), account=READY))
    lease = await house.store.sessions.acquire(key(5), holder="h", now=NOW, seconds=9)
    assert lease is not None
    renewed = replace(from_token(one), account=READY, version=2, due_at=9000.0)
    await house.arrive().renewed(renewed, lease=lease, now=NOW)
    after = await house.store.sessions.load(key(5))
    assert after is not None
    assert (after.account, after.due_at) == (READY, 9000.0)
    assert house.lane.woken == 1


# --- what holds of a person ----------------------------------------------------------------------------------------------

BARE = replace(
    identity(),
    email=None,
    is_email_verified=False,
    name=None,
    username=None,
    groups=NOT_STATED,
    stated_at=1500.0,
)


def test_what_a_token_leaves_out_is_as_last_stated() -> None:
    last = vouched(identity(groups=groups("a"), hosted_domain="example.com", directory_id="d"), 900.0)
    whole = completed(BARE, last)
    assert (whole.email, whole.is_email_verified) == ("alice@example.com", True)
    assert (whole.name, whole.username, whole.hosted_domain, whole.directory_id) == (
        "Alice",
        "alice",
        "example.com",
        "d",
    )
    assert whole.groups is NOT_STATED, "the statement itself says nothing of groups"
    assert newest(whole, last).groups == groups("a")


def test_a_tokens_own_word_stands() -> None:
    stated = identity(email="new@example.com", is_email_verified=False, groups=frozenset(), stated_at=1500.0)
    last = vouched(identity(groups=groups("a")), 900.0)
    whole = completed(stated, last)
    assert (whole.email, whole.is_email_verified) == ("new@example.com", False)
    assert newest(whole, last).groups == frozenset()


def test_an_address_that_was_verified_stays_so_where_the_token_repeats_it() -> None:
    stated = identity(email="Alice@example.com", is_email_verified=False)
    assert completed(stated, vouched(identity(), 900.0)).is_email_verified


def test_a_newer_word_of_the_idp_counts_more_than_an_older_token() -> None:
    last = vouched(identity(groups=groups("b")), 1800.0)
    stated = identity(groups=groups("a"), stated_at=1500.0)
    assert newest(stated, last).groups == groups("b")
    assert newest(replace(stated, stated_at=1900.0), last).groups == groups("a")


def test_without_a_word_before_the_token_is_all_there_is() -> None:
    removal = Statement(source=CORP, subject=subject(), says=Removed(reason=Reason.IDP_DENIED), at=1.0)
    for last in (None, removal):
        assert completed(BARE, last) == BARE
        assert newest(BARE, last) == BARE
