"""Each row of the table in `gate/bearer.py`, through the gate, over the real embedded store."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.errors import Unavailable
from proxy.gate.arrival import ArrivalRules, Arrivals, ArrivalStores
from proxy.gate.authorization import bearer_key
from proxy.gate.bearer import REFUSED_AGAIN, REFUSED_KEPT, Bearers
from proxy.gate.bearer_arrival import BearerArrivals
from proxy.gate.cache import SessionCache
from proxy.gate.decision import Admit, Deny, Kind, Open, Request, SignIn, Verdict
from proxy.gate.gate import Gate, GateRules
from proxy.gate.paths import PathRule, PathRules
from proxy.identity import GroupName, Identity, IdpId, Subject
from proxy.oidc.bearer import Proved, Reading, Rejected, Unheard
from proxy.reasons import Reason
from proxy.session.cookie import session_key
from proxy.session.model import (
    AccountRefused,
    Authentication,
    Misconfigured,
    Pending,
    Session,
    SessionKey,
    Trouble,
)
from proxy.session.policy import RefreshRules
from proxy.session.step_up import Demand
from proxy.session.store import SessionStore
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store
from tests.fakes.people import CORP, groups, identity, subject

TOKEN = "abc.def.ghi"
KEY = bearer_key(TOKEN)
REFRESH = RefreshRules(every=3600.0, idle=7 * 86400.0, absolute=30 * 86400.0)
RULES = GateRules(
    hosts=frozenset({b"app.example.com"}), refresh=REFRESH, open_prefixes=(b"/static/",), cache_grace=5.0
)


class Issuer:
    """Answers as the test says; `gate` holds every answer back until it is set."""

    def __init__(self) -> None:
        self.answer: Reading = Proved(identity=identity(stated_at=900.0), good_until=5000.0)
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, token: str, now: float) -> Reading:
        self.reads += 1
        await self.gate.wait()
        return self.answer


class Told:
    """Witness of tokens and chronicle of arrivals."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def bearer_begun(self, session: Session) -> None:
        self.lines.append("begun")

    def bearer_refused(self, idp: IdpId, code: str, *, peer: str) -> None:
        self.lines.append(f"refused: {code}")

    def bearer_unheard(self, idp: IdpId, why: Trouble | Misconfigured) -> None:
        self.lines.append("unheard")

    def bearers_expired(self, count: int) -> None:
        self.lines.append(f"expired: {count}")

    def arrived(self, session: Session) -> None: ...

    def turned_away(self, identity: Identity, reason: Reason) -> None: ...

    def cleared(self, subject: Subject) -> None: ...

    def removed(self, subject: Subject, idp: IdpId, reason: Reason, marker: str, ended: int) -> None: ...


class House:
    """One process; `twin` is another one on the same store."""

    def __init__(
        self, store: SqliteStore, sessions: SessionStore | None = None, rules: GateRules = RULES
    ) -> None:
        self.store = store
        self.now = 1000.0
        self.issuer = Issuer()
        self.told = Told()
        self.refuse: Reason | None = None
        self.cache = SessionCache()
        self.cache.proved_at = self.now
        stores = ArrivalStores(
            sessions=sessions or store.sessions,
            joint=store.joint,
            outbox=store.outbox,
            bindings=store.bindings,
            lane=None,
        )
        arriving = ArrivalRules(refresh=REFRESH, admit=lambda _: self.refuse, login_claim="username")
        arrivals = Arrivals(
            stores, arriving, self.told, new_cookie=lambda: (b"c", SessionKey("c")), clock=lambda: self.now
        )
        self.bearers = Bearers(
            self.issuer,
            BearerArrivals(arrivals),
            stores.sessions,
            self.told,
            REFRESH,
            holder=f"process {id(self)}",
            clock=lambda: self.now,
        )
        self.gate = Gate(
            stores.sessions,
            NoRenewals(),
            self.cache,
            rules,
            render=lambda session, account: b"User: %b\r\n" % account.login.encode(),
            key_of=session_key,
            clock=lambda: self.now,
            bearers=self.bearers,
        )

    def at(self, now: float) -> None:
        """The clock moves, and the change channel was heard."""
        self.now = self.cache.proved_at = now

    async def decide(self, asked: Request | None = None) -> Verdict:
        return await self.gate.decide(asked or request())

    async def denied(self, asked: Request | None = None) -> tuple[int, Reason]:
        verdict = await self.decide(asked)
        assert isinstance(verdict, Deny)
        assert verdict.kind is Kind.SCRIPT, "never a page, never a redirect"
        return verdict.status, verdict.reason

    async def stored(self) -> Session:
        session = await self.store.sessions.load(KEY)
        assert session is not None
        return session


class NoRenewals:
    async def renew(self, key: SessionKey) -> Session | None:
        raise AssertionError("a token's session has nothing that the keeper could renew")


def request(
    *values: bytes, cookie: bytes | None = None, path: bytes = b"/page", host: bytes = b"app.example.com"
) -> Request:
    fields = [(b"Authorization", value) for value in values or (b"Bearer " + TOKEN.encode(),)]
    fields += [(b"Sec-Fetch-Mode", b"navigate"), (b"User-Agent", b"cli/1")]
    return Request(
        method=b"GET",
        target=path,
        path=path,
        headers=fields,
        names=[name.lower() for name, _ in fields],
        host=host,
        cookie=cookie,
        peer="192.0.2.7",
        scheme="https",
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_store(tmp_path / "muster.db", load_keyring(tmp_path / "keys"))
    yield opened
    await opened.close()


@pytest.fixture
async def house(store: SqliteStore) -> House:
    return House(store)


ADMITTED = Admit(session=KEY, block=b"User: alice\r\n")


async def test_a_good_token_is_admitted_and_the_second_request_is_known_at_once(house: House) -> None:
    assert house.gate.decide_now(request()) is None
    assert await house.decide() == ADMITTED
    assert house.gate.decide_now(request()) == ADMITTED
    assert house.issuer.reads == 1
    stored = await house.stored()
    assert (stored.device.peer, stored.device.user_agent) == ("192.0.2.7", "cli/1")
    assert stored.refreshed_at == 900.0, "a token vouches as of its own time"
    assert TOKEN not in repr(stored)
    assert house.told.lines == ["begun"]


async def test_a_cached_token_costs_no_cryptography(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.decide()

    def forbidden(*_: object) -> None:
        raise AssertionError("a hash on the hot path")

    monkeypatch.setattr(hashlib, "sha256", forbidden)
    assert house.gate.decide_now(request()) == ADMITTED


async def test_rules_per_path_hold_for_tokens_and_answer_without_a_page(store: SqliteStore) -> None:
    admins = PathRule(path="/admin/*", groups=frozenset({GroupName("admins")}))
    recent = PathRule(path="/pay/*", demand=Demand(max_age=60))
    house = House(store, rules=replace(RULES, paths=PathRules((admins, recent))))
    house.issuer.answer = Proved(
        identity=identity(groups=groups("others")), good_until=9000.0, authentication=Authentication(at=100.0)
    )
    for _ in range(2):  # looked at, then cached
        assert await house.denied(request(path=b"/admin/x")) == (403, Reason.PATH_NOT_ALLOWED)
        stale = await house.decide(request(path=b"/pay/x"))
        assert isinstance(stale, SignIn)
        assert stale.kind is Kind.SCRIPT
    assert isinstance(await house.decide(), Admit)


async def test_a_path_for_everybody_is_open_to_tokens_of_the_apps_own(store: SqliteStore) -> None:
    anybody = PathRule(path="/api/*", is_optional=True)
    house = House(store, rules=replace(RULES, paths=PathRules((anybody,))))
    house.issuer.answer = Rejected(idp=CORP, code="issuer_unknown")
    assert await house.decide(request(path=b"/api/x")) == Open()
    assert await house.denied() == (401, Reason.BEARER_INVALID)
    doubled = request(b"Bearer a", b"Bearer b", path=b"/api/x")
    assert await house.denied(doubled) == (400, Reason.BEARER_MALFORMED)


async def test_the_token_stands_nowhere_in_the_store(house: House, tmp_path: Path) -> None:
    await house.decide()
    assert all(TOKEN.encode() not in file.read_bytes() for file in tmp_path.iterdir())


async def test_twenty_at_once_are_one_look_and_one_session(house: House) -> None:
    house.issuer.gate.clear()
    asked = [asyncio.create_task(house.decide()) for _ in range(20)]
    while not house.issuer.reads:
        await asyncio.sleep(0)
    house.issuer.gate.set()
    assert await asyncio.gather(*asked) == [ADMITTED] * 20
    assert house.issuer.reads == 1
    assert house.told.lines == ["begun"]


async def test_a_client_that_goes_away_stops_no_look(house: House) -> None:
    house.issuer.gate.clear()
    gone = asyncio.create_task(house.decide())
    while not house.issuer.reads:
        await asyncio.sleep(0)
    gone.cancel()
    staying = asyncio.create_task(house.decide())
    await asyncio.sleep(0)
    house.issuer.gate.set()
    assert await staying == ADMITTED
    await house.bearers.drain()
    assert house.issuer.reads == 1


async def test_two_processes_at_once_make_one_session(store: SqliteStore) -> None:
    first, second = House(store), House(store)
    assert set(await asyncio.gather(first.decide(), second.decide())) == {ADMITTED}
    assert sorted(first.told.lines + second.told.lines) == ["begun"]


@pytest.mark.parametrize(
    "values", [(b"Bearer",), (b"Bearer a b",), (b"Bearer a", b"Bearer a"), (b"Bearer a", b"Basic x")]
)
async def test_a_malformed_or_doubled_token_is_a_bad_request(house: House, values: tuple[bytes, ...]) -> None:
    assert await house.denied(request(*values)) == (400, Reason.BEARER_MALFORMED)
    assert house.issuer.reads == 0


async def test_another_scheme_is_as_nothing(house: House) -> None:
    verdict = house.gate.decide_now(request(b"Basic YTpi"))
    assert isinstance(verdict, SignIn)


async def test_our_cookie_goes_first_even_when_it_opens_nothing(house: House) -> None:
    await house.decide()
    asked = request(cookie=b"no session of ours")
    assert house.gate.decide_now(asked) is None
    assert isinstance(await house.decide(asked), SignIn)


async def test_a_token_in_the_cookies_place_opens_nothing(house: House) -> None:
    await house.decide()
    for value in (b"Bearer " + TOKEN.encode(), TOKEN.encode(), KEY.encode()):
        assert isinstance(await house.decide(request(cookie=value)), SignIn)


async def test_an_open_path_needs_no_look(house: House) -> None:
    assert house.gate.decide_now(request(path=b"/static/a.css")) == Open()


async def test_a_foreign_host_is_refused_first(house: House) -> None:
    assert (await house.decide(request(host=b"evil.example.com"))) == Deny(
        status=421, reason=Reason.WRONG_HOST, kind=Kind.NAVIGATION
    )


async def test_a_rejected_token_is_401_and_is_not_asked_about_again_at_once(house: House) -> None:
    house.issuer.answer = Rejected(idp=CORP, code="expired")
    assert await house.denied() == (401, Reason.BEARER_INVALID)
    assert await house.denied() == (401, Reason.BEARER_INVALID)
    assert house.issuer.reads == 1
    assert house.told.lines == ["refused: expired"]
    house.at(1000.0 + REFUSED_KEPT)
    house.issuer.answer = Proved(identity=identity(), good_until=5000.0)
    assert await house.decide() == ADMITTED


async def test_a_missing_scope_is_403_and_ends_nothing(house: House) -> None:
    await house.decide()
    house.at(1000.0 + 3600)
    house.issuer.answer = Rejected(idp=CORP, code="insufficient_scope", is_for_scope=True)
    assert await house.denied() == (403, Reason.INSUFFICIENT_SCOPE)
    await house.stored()


@pytest.mark.parametrize(
    ("why", "reason"),
    [(Trouble(detail="timeout"), Reason.IDP_TROUBLE), (Misconfigured(code="x"), Reason.IDP_MISCONFIGURED)],
)
async def test_trouble_is_503_never_401_and_ends_nothing(
    house: House, why: Trouble | Misconfigured, reason: Reason
) -> None:
    await house.decide()
    house.at(1000.0 + 3600)
    house.issuer.answer = Unheard(idp=CORP, why=why)
    verdict = await house.decide()
    assert isinstance(verdict, Deny)
    assert (verdict.status, verdict.reason) == (503, reason)
    assert verdict.retry_after is not None
    await house.stored()
    house.issuer.answer = Proved(identity=identity(), good_until=9000.0)
    assert await house.decide() == ADMITTED, "trouble is not remembered against the token"


async def test_the_issuers_own_wait_is_passed_on_within_reason(house: House) -> None:
    for stated, told in ((None, 5), (2.0, 5), (30.0, 30), (1e9, 3600)):
        house.issuer.answer = Unheard(idp=CORP, why=Trouble(detail="http_503", retry_after=stated))
        verdict = await house.decide()
        assert isinstance(verdict, Deny)
        assert verdict.retry_after == told


async def test_a_token_is_good_until_it_expires_and_no_longer(house: House) -> None:
    house.issuer.answer = Proved(identity=identity(), good_until=1100.0)
    await house.decide()
    house.at(1099.0)
    assert house.gate.decide_now(request()) == ADMITTED
    house.at(1100.0)
    assert house.gate.decide_now(request()) is None
    house.issuer.answer = Rejected(idp=CORP, code="expired")
    assert await house.denied() == (401, Reason.BEARER_INVALID)
    assert await house.store.sessions.load(KEY) is None, "what proves nothing any more has no session"


async def test_an_introspected_token_is_asked_about_again_when_its_answer_is_old(house: House) -> None:
    house.issuer.answer = Proved(identity=identity(), good_until=9000.0, look_again_after=10.0)
    await house.decide()
    house.at(1009.0)
    assert house.gate.decide_now(request()) == ADMITTED
    house.at(1010.0)
    assert house.gate.decide_now(request()) is None
    assert await house.decide() == ADMITTED
    assert house.issuer.reads == 2
    assert (await house.stored()).due_at == 1020.0


async def test_a_signed_token_is_looked_at_again_after_the_hour(house: House) -> None:
    house.issuer.answer = Proved(identity=identity(), good_until=None)
    await house.decide()
    assert (await house.stored()).due_at == 1000.0 + 3600
    house.at(4600.0)
    assert await house.decide() == ADMITTED
    assert (await house.stored()).due_at == 4600.0 + 3600


async def test_a_token_that_outlives_the_sessions_limit_ends_with_it_for_good(house: House) -> None:
    house.issuer.answer = Proved(identity=identity(), good_until=None)
    await house.decide()
    house.at(1000.0 + REFRESH.absolute)
    assert await house.denied() == (401, Reason.BEARER_INVALID)
    house.at(house.now + REFUSED_KEPT)
    assert await house.denied() == (401, Reason.BEARER_INVALID)


async def test_a_session_that_was_ended_takes_its_token_with_it(house: House) -> None:
    await house.decide()
    await house.store.sessions.end_subject(subject(), Reason.ENDED_BY_OPERATOR, house.now)
    house.cache.drop(KEY)
    assert await house.denied() == (401, Reason.BEARER_INVALID)
    other = House(house.store)
    assert await other.denied() == (401, Reason.BEARER_INVALID), "in every process"
    another = request(b"Bearer another.token.here")
    assert isinstance(await house.decide(another), Admit), "another token of the person is another one"


async def test_a_load_that_a_change_overtook_is_not_kept(store: SqliteStore) -> None:
    overtaken = Overtaken(store.sessions)
    house = House(store, overtaken)  # type: ignore[arg-type]
    overtaken.then = lambda: house.cache.drop(KEY)
    assert await house.decide() == ADMITTED
    assert house.gate.decide_now(request()) is None


async def test_a_person_without_an_account_is_refused_and_looked_at_again_a_minute_later(
    house: House,
) -> None:
    house.refuse = Reason.NO_SEAT
    assert await house.denied() == (403, Reason.NO_SEAT)
    house.refuse = None
    assert await house.denied() == (403, Reason.NO_SEAT)
    house.at(1000.0 + REFUSED_AGAIN)
    assert await house.decide() == ADMITTED


async def test_a_pending_account_is_503_until_it_is_ready(house: House) -> None:
    await house.decide()
    await house.store.sessions.set_account(subject(), Pending())
    house.cache.drop(KEY)
    assert await house.denied() == (503, Reason.BEING_SET_UP)


async def test_a_block_reaches_the_token_as_it_reaches_a_cookie(house: House) -> None:
    await house.decide()
    await house.store.sessions.set_account(subject(), AccountRefused(reason=Reason.IDP_DENIED))
    house.cache.drop(KEY)
    assert await house.denied() == (403, Reason.IDP_DENIED)


async def test_expired_tokens_sessions_are_ended_without_anybody_asking(house: House) -> None:
    house.issuer.answer = Proved(identity=identity(), good_until=1100.0)
    await house.decide()
    await house.bearers.end_expired()
    await house.stored()
    house.at(1100.0)
    await house.bearers.end_expired()
    assert await house.store.sessions.load(KEY) is None
    assert house.told.lines == ["begun", "expired: 1"]


async def test_a_store_that_goes_away_costs_nobody_their_token(store: SqliteStore) -> None:
    flaky = Flaky(store.sessions)
    house = House(store, flaky)  # type: ignore[arg-type]
    flaky.fails.append("create")
    verdict = await house.decide()
    assert isinstance(verdict, Deny)
    assert (verdict.status, verdict.reason, verdict.retry_after) == (503, Reason.STORE_UNAVAILABLE, 5)
    assert await house.decide() == ADMITTED


async def test_a_cached_token_bridges_a_failover(store: SqliteStore) -> None:
    flaky = Flaky(store.sessions)
    house = House(store, flaky)  # type: ignore[arg-type]
    await house.decide()
    house.now += 3.0
    flaky.fails += ["load"] * 2
    assert await house.decide() == ADMITTED
    house.now += 3.0
    assert await house.denied() == (503, Reason.STORE_UNAVAILABLE)


async def test_a_shown_token_is_not_in_its_repr(house: House) -> None:
    assert TOKEN not in repr(house.bearers.shown(request()))


async def test_a_renewal_by_another_process_is_waited_for(house: House) -> None:
    await house.decide()
    house.at(4600.0)
    other = await house.store.sessions.acquire(KEY, holder="other", now=4600.0, seconds=15)
    assert other is not None
    asked = asyncio.create_task(house.decide())
    while house.issuer.reads < 2:
        await asyncio.sleep(0)
    renewed = replace(await house.stored(), due_at=9000.0, version=2)
    assert await house.store.sessions.save(renewed, lease=other)
    assert await asked == ADMITTED


class Flaky:
    """A store whose named methods fail once each."""

    def __init__(self, inner: SessionStore) -> None:
        self.inner = inner
        self.fails: list[str] = []

    def __getattr__(self, name: str) -> object:
        if name in self.fails:
            self.fails.remove(name)
            raise Unavailable("away")
        return getattr(self.inner, name)


class Overtaken:
    """A store where something happens while a session is on its way."""

    def __init__(self, inner: SessionStore) -> None:
        self.inner = inner
        self.then: Callable[[], None] = lambda: None

    async def load(self, key: SessionKey) -> Session | None:
        session = await self.inner.load(key)
        self.then()
        return session

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)
