"""An Identity arrived, over the real embedded store: outbox and session together, removals before the app."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from proxy.gate.arrival import ArrivalRules, Arrivals, ArrivalStores
from proxy.identity import NOT_STATED, Identity, IdpId, Subject
from proxy.provisioning.model import AccountId, Binding, Entry, EntryState, Removed, Statement, Vouched
from proxy.reasons import Reason
from proxy.session.model import (
    AccountRefused,
    AccountState,
    Authentication,
    Pending,
    Ready,
    Session,
    SessionKey,
    Tokens,
)
from proxy.session.policy import RefreshRules
from proxy.session.store import Lease, Suspicion
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store
from tests.fakes.people import CORP, groups, identity, key, session, subject

READY = Ready(login="alice", account_id="7")


class Lane:
    """Answers a visit as prepared, and writes it into the sessions as the courier does."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.answer: AccountState = READY
        self.visits: list[Subject] = []
        self.woken = 0

    async def visit_now(self, subject: Subject) -> AccountState:
        self.visits.append(subject)
        await self.store.sessions.set_account(subject, self.answer)
        return self.answer

    def wake(self) -> None:
        self.woken += 1


@dataclass
class Chronicle:
    told: list[str] = field(default_factory=list)

    def arrived(self, session: Session) -> None:
        self.told.append("arrived")

    def turned_away(self, identity: Identity, reason: Reason) -> None:
        self.told.append(f"turned away: {reason}")

    def cleared(self, subject: Subject) -> None:
        self.told.append("cleared")

    def removed(self, subject: Subject, idp: IdpId, reason: Reason, marker: str, ended: int) -> None:
        self.told.append(f"removed: {reason}, {ended} sessions")


class House:
    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.lane = Lane(store)
        self.chronicle = Chronicle()
        self.now = 1000.0
        self.number = 0
        self.refuse: Callable[[Identity], Reason | None] = lambda _: None

    def arrivals(
        self, *, has_app: bool = True, is_prefixed: bool = False, claim: str = "username"
    ) -> Arrivals:
        stores = ArrivalStores(
            sessions=self.store.sessions,
            joint=self.store.joint,
            outbox=self.store.outbox,
            bindings=self.store.bindings,
            lane=self.lane if has_app else None,
        )
        rules = ArrivalRules(
            refresh=RefreshRules(),
            admit=lambda identity: self.refuse(identity),
            login_claim=claim,
            is_prefixed=is_prefixed,
        )
        return Arrivals(stores, rules, self.chronicle, new_cookie=self.new_cookie, clock=lambda: self.now)

    def new_cookie(self) -> tuple[bytes, SessionKey]:
        self.number += 1
        return b"cookie-%d" % self.number, key(self.number)

    async def bind(self) -> None:
        await self.store.outbox.note(_statement(), 900.0)
        claim = await self.store.outbox.claim(holder="test", now=900.0, seconds=20)
        assert claim is not None
        binding = Binding(subject=subject(), account_id=AccountId("7"), login="alice")
        bound = await self.store.outbox.bind(claim, binding)
        assert bound is not None
        await self.store.outbox.ack(bound, now=900.0)

    async def set_aside(self, state: EntryState, reason: Reason) -> Entry:
        """Alice's entry, waiting in this state."""
        entry = await self.store.outbox.entry_of(subject())
        assert entry is not None
        await self.store.outbox.reopen(entry.id, EntryState.DONE, 950.0)
        claim = await self.store.outbox.claim(holder="test", now=950.0, seconds=20)
        assert claim is not None
        await self.store.outbox.set_aside(claim, state, reason=reason, detail="so")
        (aside,) = await self.store.outbox.entries(state, 10)
        return aside

    async def renewed_the_same(self) -> EntryState:
        """Where the entry stands after the IdP said the same again."""
        await self.store.sessions.create(session(account=READY))
        same = identity(groups=groups("ops"), stated_at=2000.0)
        renewed = replace(session(account=READY), version=2, identity=same)
        assert await self.arrivals().renewed(renewed, same, lease=await self.lease(), now=2000.0)
        entry = await self.store.outbox.entry_of(subject())
        assert entry is not None
        return entry.state

    async def lease(self) -> Lease:
        lease = await self.store.sessions.acquire(key(1), holder="here", now=self.now, seconds=30)
        assert lease is not None
        return lease


def _statement(**changes: object) -> Statement:
    said = identity(groups=groups("ops"), stated_at=900.0)
    plain = Statement(
        source=CORP, subject=subject(), says=Vouched(identity=said), at=900.0, known_groups=groups("ops")
    )
    return replace(plain, **changes)  # type: ignore[arg-type] # a test's shorthand


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = open_store(tmp_path / "muster.db", load_keyring(tmp_path / "keys"))
    yield House(store)
    await store.close()


async def test_signing_in_notes_the_statement_visits_the_app_and_gives_a_ready_session(house: House) -> None:
    signed = await house.arrivals().sign_in(
        identity(groups=groups("ops")), Tokens(), idp_session="sid", replaces=None
    )
    assert signed.session.account == READY
    assert signed.session.idp_session == "sid"
    assert await house.store.sessions.load(key(1)) == signed.session
    assert house.lane.visits == [subject()]
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.statements[0].known_groups == groups("ops")


async def test_a_new_session_ends_the_one_that_the_browser_had(house: House) -> None:
    arrivals = house.arrivals()
    await arrivals.sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    await arrivals.sign_in(identity(), Tokens(), idp_session=None, replaces=key(1))
    assert await house.store.sessions.load(key(1)) is None
    assert await house.store.sessions.load(key(2)) is not None


async def test_what_a_silent_sign_in_goes_on_with_keeps_its_beginning_under_a_new_id(house: House) -> None:
    """Or `session.absolute` would never come for whoever is passed silently."""
    arrivals = house.arrivals()
    first = await arrivals.sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    house.now = 5000.0
    again = await arrivals.sign_in(
        identity(), Tokens(), idp_session=None, replaces=key(1), continues=first.session
    )
    assert (again.session.key, again.session.created_at) == (key(2), 1000.0)
    assert (again.session.refreshed_at, again.session.account) == (5000.0, first.session.account)
    assert await house.store.sessions.load(key(1)) is None


async def test_a_silent_sign_in_keeps_what_was_proved_and_an_ordinary_one_does_not(house: House) -> None:
    arrivals, strong = house.arrivals(), Authentication(acr="strong", at=900.0)
    first = await arrivals.sign_in(
        identity(), Tokens(), idp_session=None, replaces=None, authentication=strong
    )
    silent = await arrivals.sign_in(
        identity(), Tokens(), idp_session=None, replaces=key(1), continues=first.session
    )
    assert silent.session.authentication == strong
    other = await arrivals.sign_in(
        identity("bob"), Tokens(), idp_session=None, replaces=key(2), continues=silent.session
    )
    assert other.session.authentication == Authentication()


async def test_another_person_begins_anew_and_the_old_session_ends(house: House) -> None:
    arrivals = house.arrivals()
    first = await arrivals.sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    house.now = 5000.0
    other = await arrivals.sign_in(
        identity("bob"), Tokens(), idp_session=None, replaces=key(1), continues=first.session
    )
    assert (other.session.subject, other.session.created_at) == (subject("bob"), 5000.0)
    assert await house.store.sessions.load(key(1)) is None


async def test_an_app_that_is_down_makes_a_pending_session(house: House) -> None:
    house.lane.answer = Pending()
    signed = await house.arrivals().sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    assert signed.session.account == Pending()


async def test_a_newcomer_refused_by_statement_leaves_no_entry_and_calls_nobody(house: House) -> None:
    house.refuse = lambda _: Reason.DOMAIN_NOT_ALLOWED
    signed = await house.arrivals().sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    assert signed.session.account == AccountRefused(reason=Reason.DOMAIN_NOT_ALLOWED)
    assert house.lane.visits == []
    assert await house.store.outbox.entry_of(subject()) is None
    assert "turned away: domain_not_allowed" in house.chronicle.told


async def test_a_bound_member_whose_statement_becomes_refused_stays_as_is(house: House) -> None:
    await house.bind()
    house.refuse = lambda _: Reason.EMAIL_NOT_VERIFIED
    signed = await house.arrivals().sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    assert signed.session.account == READY
    assert house.lane.visits == []


async def test_a_bound_member_on_the_deny_list_is_shut_out_at_sign_in(house: House) -> None:
    await house.bind()
    await house.store.sessions.create(session(number=9))
    house.refuse = lambda _: Reason.DENY_LISTED
    signed = await house.arrivals().sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    assert signed.session.account == AccountRefused(reason=Reason.DENY_LISTED)
    assert await house.store.sessions.load(key(9)) is None, "the others end at once"
    assert await house.store.sessions.load(signed.session.key) == signed.session, "this one says why"
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.state is EntryState.OPEN, "for the courier to archive"
    assert house.lane.visits == []
    assert house.lane.woken == 1
    assert "removed: deny_listed, 1 sessions" in house.chronicle.told


async def test_a_bound_member_on_the_deny_list_is_shut_out_at_a_renewal(house: House) -> None:
    await house.bind()
    for number in (1, 9):
        await house.store.sessions.create(session(number=number))
    house.refuse = lambda _: Reason.DENY_LISTED
    lease = await house.lease()
    said = identity(groups=groups("ops"), stated_at=1000.0)
    renewed = replace(session(), version=2)
    assert not await house.arrivals().renewed(renewed, said, lease=lease, now=1000.0)
    assert await house.store.sessions.of_subject(subject()) == ()
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert (entry.state, entry.statements[0].at) == (EntryState.OPEN, 1000.0)


async def test_a_member_who_is_shut_out_already_is_only_refused(house: House) -> None:
    await house.bind()
    binding = await house.store.bindings.binding_of(subject())
    assert binding is not None
    await house.store.bindings.update_binding(replace(binding, is_blocked=True))
    house.refuse = lambda _: Reason.DENY_LISTED
    signed = await house.arrivals().sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    assert signed.session.account == AccountRefused(reason=Reason.DENY_LISTED)
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.state is EntryState.DONE
    assert house.lane.woken == 0


async def test_somebody_who_comes_back_is_visited_though_nothing_new_was_said(house: House) -> None:
    await house.bind()
    said = identity(groups=groups("ops"))
    await house.arrivals().sign_in(said, Tokens(), idp_session=None, replaces=None)
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.state is EntryState.OPEN
    assert house.lane.visits == [subject()]


async def test_groups_not_stated_at_a_new_sign_in_are_the_last_known_ones(house: House) -> None:
    await house.bind()
    signed = await house.arrivals().sign_in(
        identity(groups=NOT_STATED), Tokens(), idp_session=None, replaces=None
    )
    assert signed.session.identity.groups == groups("ops")
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.statements[0].known_groups == groups("ops")


async def test_a_newcomer_without_stated_groups_has_none(house: House) -> None:
    signed = await house.arrivals().sign_in(
        identity(groups=NOT_STATED), Tokens(), idp_session=None, replaces=None
    )
    assert signed.session.identity.groups is NOT_STATED


async def test_signing_in_again_cancels_a_timer(house: House) -> None:
    await house.store.sessions.suspect(Suspicion(subject=subject(), idp=CORP, started_at=1.0, fires_at=9e9))
    await house.arrivals().sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    assert not await house.store.sessions.clear_suspicion(subject())
    assert "cleared" in house.chronicle.told


async def test_a_renewal_writes_statement_and_session_together_and_wakes_the_courier(house: House) -> None:
    await house.store.sessions.create(session(account=READY))
    later = identity(groups=groups("dev"), stated_at=2000.0)
    renewed = replace(session(account=READY), version=2, identity=later)
    assert await house.arrivals().renewed(renewed, later, lease=await house.lease(), now=2000.0)
    assert await house.store.sessions.load(key(1)) == renewed
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.statements[0].known_groups == groups("dev")
    assert house.lane.woken == 1


async def test_a_renewal_that_says_the_same_has_the_app_looked_at_again(house: House) -> None:
    await house.bind()
    await house.store.sessions.create(session(account=READY))
    same = identity(groups=groups("ops"), stated_at=2000.0)
    renewed = replace(session(account=READY), version=2, identity=same)
    assert await house.arrivals().renewed(renewed, same, lease=await house.lease(), now=2000.0)
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.state is EntryState.OPEN
    assert house.lane.woken == 1


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Reason.APP_REFUSED, EntryState.OPEN),
        (Reason.APP_UNPROVED, EntryState.OPEN),
        (Reason.LOGIN_TAKEN, EntryState.PARKED),
        (Reason.NO_SEAT, EntryState.PARKED),
    ],
)
async def test_a_renewal_tries_again_what_is_parked_for_the_apps_answer(
    house: House, reason: Reason, state: EntryState
) -> None:
    await house.bind()
    await house.set_aside(EntryState.PARKED, reason)
    assert await house.renewed_the_same() is state


async def test_a_renewal_does_not_open_what_an_operator_dropped(house: House) -> None:
    await house.bind()
    held = await house.set_aside(EntryState.HELD, Reason.GUARD_TRIPPED)
    assert await house.store.outbox.dismiss(held, 1500.0)
    assert await house.renewed_the_same() is EntryState.DROPPED


async def test_a_renewal_under_a_lost_lease_writes_neither(house: House) -> None:
    await house.store.sessions.create(session(account=READY))
    lease = replace(await house.lease(), fence=999)
    renewed = replace(session(), version=2)
    assert not await house.arrivals().renewed(renewed, identity(), lease=lease, now=2000.0)
    assert await house.store.outbox.entry_of(subject()) is None


async def test_somebody_refused_before_and_admitted_now_is_set_up(house: House) -> None:
    refused = session(account=AccountRefused(reason=Reason.EMAIL_NOT_VERIFIED))
    await house.store.sessions.create(refused)
    renewed = replace(refused, version=2)
    await house.arrivals().renewed(renewed, identity(stated_at=2000.0), lease=await house.lease(), now=2000.0)
    after = await house.store.sessions.load(key(1))
    assert after is not None
    assert after.account == Pending()
    assert house.lane.woken == 1


async def test_a_removal_is_noted_and_ends_every_session_without_the_app(house: House) -> None:
    await house.bind()
    await house.store.sessions.create(session())
    await house.store.sessions.create(session(number=2))
    await house.arrivals().removed(
        subject(), CORP, Reason.IDP_DENIED, marker="User disabled", at=2000.0, now=2000.0
    )
    assert await house.store.sessions.of_subject(subject()) == ()
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.statements[0].says == Removed(reason=Reason.IDP_DENIED)
    assert entry.state is EntryState.OPEN
    assert house.lane.visits == []
    assert "removed: idp_denied, 2 sessions" in house.chronicle.told


async def test_a_removal_counts_as_later_than_whatever_the_idp_vouched_for_before(house: House) -> None:
    """Another session's sign-in may carry a later `iat` (a clock that jumped, the same second): the no was heard after it."""
    await house.bind()
    vouched_ahead = identity(groups=groups("ops"), stated_at=5000.0)
    await house.store.outbox.note(_statement(says=Vouched(identity=vouched_ahead), at=5000.0), 1000.0)
    await house.arrivals().removed(subject(), CORP, Reason.IDP_DENIED, marker="", at=4000.0, now=1001.0)
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.statements[0].says == Removed(reason=Reason.IDP_DENIED)


async def test_a_timer_that_fired_never_overrules_somebody_who_signed_in_meanwhile(house: House) -> None:
    await house.bind()
    vouched_since = identity(groups=groups("ops"), stated_at=5000.0)
    await house.store.outbox.note(_statement(says=Vouched(identity=vouched_since), at=5000.0), 1000.0)
    await house.arrivals().removed(subject(), CORP, Reason.TIMER_FIRED, marker="", at=4000.0, now=1001.0)
    entry = await house.store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.statements[0].says == Vouched(identity=vouched_since)


async def test_removing_somebody_the_app_never_knew_leaves_no_entry(house: House) -> None:
    await house.store.sessions.create(session(account=AccountRefused(reason=Reason.DOMAIN_NOT_ALLOWED)))
    await house.arrivals().removed(subject(), CORP, Reason.IDP_DENIED, marker="", at=1.0, now=1.0)
    assert await house.store.outbox.entry_of(subject()) is None
    assert await house.store.sessions.of_subject(subject()) == ()


@pytest.mark.parametrize(
    ("claim", "is_prefixed", "login"),
    [
        ("username", False, "alice"),
        ("username", True, "corp:alice"),
        ("email", False, "alice@example.com"),
        ("sub", False, "sub-alice"),
    ],
)
async def test_without_an_app_api_the_operator_names_the_claim(
    house: House, claim: str, is_prefixed: bool, login: str
) -> None:
    arrivals = house.arrivals(has_app=False, is_prefixed=is_prefixed, claim=claim)
    signed = await arrivals.sign_in(identity(), Tokens(), idp_session=None, replaces=None)
    assert signed.session.account == Ready(login=login)


async def test_a_missing_user_name_is_called_that(house: House) -> None:
    arrivals = house.arrivals(has_app=False, claim="username")
    signed = await arrivals.sign_in(identity(username=None), Tokens(), idp_session=None, replaces=None)
    assert signed.session.account == AccountRefused(reason=Reason.USERNAME_MISSING)


async def test_an_unverified_address_is_nobodys_login(house: House) -> None:
    arrivals = house.arrivals(has_app=False, claim="email")
    unverified = identity(is_email_verified=False)
    signed = await arrivals.sign_in(unverified, Tokens(), idp_session=None, replaces=None)
    assert signed.session.account == AccountRefused(reason=Reason.EMAIL_MISSING)
