"""The gate admits only a session that the store, or a proved cache, holds."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from proxy.errors import Unavailable
from proxy.gate.assertion import Asserted
from proxy.gate.cache import SessionCache
from proxy.gate.decision import Admit, Deny, Kind, Open, Own, Request, SignIn
from proxy.gate.gate import Gate, GateRules
from proxy.gate.paths import AnswerAs, PathRule, PathRules
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Authentication, Pending, Ready, Session, SessionKey, Tokens
from proxy.session.policy import RefreshRules
from proxy.session.step_up import Demand
from tests.fakes.people import groups, identity, key, session
from tests.fakes.session_store import DictSessions

RULES = GateRules(
    hosts=frozenset({b"app.example.com"}),
    refresh=RefreshRules(every=3600, grace=3600, cool_off=30),
    open_paths=frozenset({b"/health"}),
    open_prefixes=(b"/static/",),
)


class Renewing:
    """A keeper whose renewals do what the test says."""

    def __init__(self, store: DictSessions) -> None:
        self.store = store
        self.calls = 0
        self.effect: Callable[[Session], Session | None] = lambda old: replace(
            old, due_at=1e9, refreshed_at=5000.0
        )

    async def renew(self, key: SessionKey) -> Session | None:
        self.calls += 1
        after = self.effect(self.store.sessions[key])
        if after is None:
            del self.store.sessions[key]
        else:
            self.store.sessions[key] = after
        return after


class House:
    def __init__(self) -> None:
        self.now = 2000.0
        self.store = DictSessions()
        self.store.sessions[key()] = session()
        self.cache = SessionCache()
        self.cache.proved_at = 2000.0
        self.renewing = Renewing(self.store)
        self.block: bytes | Reason = b"X-Forwarded-User: alice\r\n"
        self.gate = Gate(
            self.store,
            self.renewing,
            self.cache,
            RULES,
            render=lambda _session, _account: self.block,
            key_of=lambda cookie: key() if cookie == b"good" else None,
            clock=lambda: self.now,
        )


def request(
    path: bytes = b"/page", *, cookie: bytes | None = b"good", host: bytes | None = b"app.example.com"
) -> Request:
    return Request(
        method=b"GET",
        target=path,
        path=path,
        headers=[(b"Sec-Fetch-Mode", b"navigate")],
        names=[b"sec-fetch-mode"],
        host=host,
        cookie=cookie,
        peer="127.0.0.1",
        scheme="https",
    )


ADMITTED = Admit(session=key(), block=b"X-Forwarded-User: alice\r\n")


async def test_the_second_request_is_decided_without_the_store() -> None:
    house = House()
    assert house.gate.decide_now(request()) is None
    assert await house.gate.decide(request()) == ADMITTED
    assert house.gate.decide_now(request()) == ADMITTED
    assert house.store.loads == 1


async def test_nothing_is_admitted_from_a_cache_whose_channel_is_not_proved() -> None:
    house = House()
    await house.gate.decide(request())
    house.now += 1.1
    assert house.gate.decide_now(request()) is None


async def test_a_due_session_is_never_admitted_from_the_cache() -> None:
    house = House()
    await house.gate.decide(request())
    house.now = house.cache.proved_at = 4600.0
    assert house.gate.decide_now(request()) is None


async def test_a_due_session_is_renewed_once_and_admitted() -> None:
    house = House()
    house.now = house.cache.proved_at = 4700.0
    assert await house.gate.decide(request()) == ADMITTED
    assert house.renewing.calls == 1


async def test_a_session_that_ended_at_renewal_signs_in() -> None:
    house = House()
    house.now = 4700.0
    house.renewing.effect = lambda _: None
    assert await house.gate.decide(request()) == SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.NAVIGATION)


async def test_trouble_within_the_grace_is_served_and_after_it_is_a_503() -> None:
    house = House()
    house.now = 4700.0
    house.renewing.effect = lambda old: replace(old, next_attempt_at=house.now + 30)
    assert await house.gate.decide(request()) == ADMITTED
    house.now = 4600.0 + 3600 + 5
    verdict = await house.gate.decide(request(cookie=b"good"))
    assert isinstance(verdict, Deny)
    assert (verdict.status, verdict.reason) == (503, Reason.GRACE_OVER)


async def test_no_refresh_token_leads_to_a_silent_sign_in_and_leaves_the_session() -> None:
    house = House()
    house.now = 4700.0
    house.store.sessions[key()] = session(tokens=Tokens())
    verdict = await house.gate.decide(request())
    assert isinstance(verdict, SignIn)
    assert verdict.is_silent
    assert key() in house.store.sessions


async def test_a_session_past_its_limit_is_ended() -> None:
    house = House()
    house.now = 1000.0 + 31 * 86400
    verdict = await house.gate.decide(request())
    assert isinstance(verdict, SignIn)
    assert house.store.ended == [(key(), Reason.TOO_OLD)]


async def test_only_a_ready_account_is_forwarded() -> None:
    house = House()
    for account, status in ((Pending(), 503), (AccountRefused(reason=Reason.NO_SEAT), 403)):
        house.store.sessions[key()] = session(account=account)
        verdict = await house.gate.decide(request())
        assert isinstance(verdict, Deny)
        assert verdict.status == status


async def test_a_store_that_does_not_answer_is_a_503_and_never_a_sign_in() -> None:
    house = House()
    house.store.down = True
    verdict = await house.gate.decide(request())
    assert isinstance(verdict, Deny)
    assert (verdict.status, verdict.reason) == (503, Reason.STORE_UNAVAILABLE)


async def test_a_cached_session_bridges_a_failover_for_the_grace_and_no_longer() -> None:
    house = House()
    await house.gate.decide(request())
    house.store.down = True
    house.now += 4.0
    assert await house.gate.decide(request()) == ADMITTED
    house.now += 2.0
    assert isinstance(await house.gate.decide(request()), Deny)


async def test_nobody_waits_for_a_store_that_is_known_to_be_away() -> None:
    house = House()
    await house.gate.decide(request())
    house.now += 4.0
    assert house.gate.decide_now(request()) is None, "the proof is old, and the store may answer"
    house.cache.is_away = True
    assert house.gate.decide_now(request()) == ADMITTED
    house.now += 1.1
    assert house.gate.decide_now(request()) is None, "the grace is over"


async def test_a_store_that_is_away_never_bridges_the_hour() -> None:
    house = House()
    await house.gate.decide(request())
    house.cache.is_away = True
    house.now = house.cache.proved_at = 4600.0
    assert house.gate.decide_now(request()) is None


async def test_a_failover_never_bridges_the_hour() -> None:
    house = House()
    await house.gate.decide(request())
    house.store.down = True
    house.now = house.cache.proved_at = 4600.0
    assert isinstance(await house.gate.decide(request()), Deny)


async def test_a_load_overtaken_by_a_change_serves_this_request_but_is_not_kept() -> None:
    house = House()
    load = house.store.load

    async def overtaken(wanted: SessionKey) -> Session | None:
        found = await load(wanted)
        house.cache.drop(wanted)
        return found

    house.store.load = overtaken  # type: ignore[method-assign,assignment] # the fake, at the moment of a race
    assert await house.gate.decide(request()) == ADMITTED
    assert house.gate.decide_now(request()) is None


async def test_headers_that_do_not_fit_are_an_error_and_never_cut() -> None:
    house = House()
    house.block = Reason.GROUPS_TOO_LARGE
    verdict = await house.gate.decide(request())
    assert isinstance(verdict, Deny)
    assert verdict.reason is Reason.GROUPS_TOO_LARGE


def test_a_foreign_host_is_refused_before_anything_else() -> None:
    gate = House().gate
    for host in (b"evil.example", None):
        verdict = gate.decide_now(request(host=host))
        assert isinstance(verdict, Deny)
        assert (verdict.status, verdict.reason) == (421, Reason.WRONG_HOST)
    assert gate.decide_now(request(b"/_muster/livez", host=b"10.0.0.7:8080")) == Own()


def test_own_pages_and_open_paths_need_no_session() -> None:
    gate = House().gate
    assert gate.decide_now(request(b"/_muster/profile", cookie=None)) == Own()
    assert gate.decide_now(request(b"/health", cookie=None)) == Open()
    assert gate.decide_now(request(b"/static/a.css", cookie=None)) == Open()
    for path in (b"/healthz", b"/static", b"/stat", b"/page"):
        assert isinstance(gate.decide_now(request(path, cookie=None)), SignIn)


async def test_a_cookie_that_is_not_ours_is_treated_as_none() -> None:
    house = House()
    verdict = await house.gate.decide(request(cookie=b"junk"))
    assert isinstance(verdict, SignIn)
    assert house.store.loads == 0


async def test_a_renewal_that_cannot_be_done_is_a_503() -> None:
    house = House()
    house.now = 4700.0

    def away(_: Session) -> Session:
        raise Unavailable("another process holds this renewal")

    house.renewing.effect = away
    assert isinstance(await house.gate.decide(request()), Deny)


def test_ready_is_what_the_render_sees() -> None:
    assert session().account == Ready(login="alice", account_id="7")


def preflight(origin: bytes, path: bytes = b"/page", *, host: bytes = b"app.example.com") -> Request:
    asked = request(path, cookie=None, host=host)
    asked.method = b"OPTIONS"
    asked.headers = [(b"Origin", origin), (b"Access-Control-Request-Method", b"PUT")]
    asked.names = [b"origin", b"access-control-request-method"]
    return asked


def cross_origin(*origins: bytes) -> House:
    house = House()
    rules = replace(RULES, cors_origins=frozenset(origins))
    house.gate._rules = rules
    return house


def test_a_listed_origins_preflight_reaches_the_app_without_a_session() -> None:
    house = cross_origin(b"https://spa.example.net")
    assert house.gate.decide_now(preflight(b"https://spa.example.net")) == Open()


def test_any_other_preflight_is_refused_as_a_script_is() -> None:
    refused = SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.SCRIPT)
    for house in (House(), cross_origin(b"https://spa.example.net")):
        for origin in (b"https://evil.example", b"null", b"", b"https://SPA.example.net"):
            assert house.gate.decide_now(preflight(origin)) == refused


def test_a_preflight_opens_neither_another_host_nor_our_own_pages() -> None:
    house = cross_origin(b"https://spa.example.net")
    own = house.gate.decide_now(preflight(b"https://spa.example.net", b"/_muster/profile"))
    assert own == Own()
    wrong = house.gate.decide_now(preflight(b"https://spa.example.net", host=b"other.example"))
    assert wrong == Deny(status=421, reason=Reason.WRONG_HOST, kind=Kind.SCRIPT)


def test_a_preflight_leads_around_no_ambiguous_path_and_no_override() -> None:
    house = cross_origin(b"https://spa.example.net")
    house.gate._rules = replace(house.gate._rules, paths=PathRules((ADMIN,)))
    asked = preflight(b"https://spa.example.net", b"/x/..%2fadmin/x")
    assert house.gate.decide_now(asked) == Deny(status=400, reason=Reason.AMBIGUOUS_PATH, kind=Kind.SCRIPT)
    asked = preflight(b"https://spa.example.net", b"/admin/x")
    asked.headers.append((b"X_HTTP_METHOD_OVERRIDE", b"DELETE"))
    asked.names.append(b"x_http_method_override")
    assert isinstance(house.gate.decide_now(asked), SignIn)


# --- rules per path -----------------------------------------------------------------------------------------------


def ruled(*rules: PathRule) -> House:
    house = House()
    house.gate._rules = replace(RULES, paths=PathRules(rules))
    return house


ADMIN = PathRule(path="/admin/*", groups=groups("admins"))
OPTIONAL = PathRule(path="/docs/*", is_optional=True)
FORBIDDEN = Deny(status=403, reason=Reason.PATH_NOT_ALLOWED, kind=Kind.NAVIGATION)


def in_groups(house: House, *names: str) -> None:
    house.store.sessions[key()] = session(identity=identity(groups=groups(*names)))


async def test_a_rule_is_asked_on_the_slow_path_and_on_the_fast_one() -> None:
    house = ruled(ADMIN)
    in_groups(house, "engineers")
    assert await house.gate.decide(request(b"/admin/x")) == FORBIDDEN
    assert house.gate.decide_now(request(b"/admin/x")) == FORBIDDEN
    assert house.gate.decide_now(request(b"/page")) == ADMITTED
    in_groups(house, "admins")
    house.cache.drop(key())
    assert await house.gate.decide(request(b"/admin/x")) == ADMITTED
    assert house.gate.decide_now(request(b"/admin/x")) == ADMITTED
    assert house.store.loads == 2


async def test_a_rule_holds_through_the_stores_failover_too() -> None:
    house = ruled(ADMIN)
    in_groups(house, "engineers")
    await house.gate.decide(request(b"/admin/x"))
    house.store.down = True
    house.now += 2
    assert await house.gate.decide(request(b"/admin/x")) == FORBIDDEN
    assert await house.gate.decide(request(b"/page")) == ADMITTED


def test_an_ambiguous_path_is_judged_by_no_rule() -> None:
    house = ruled(ADMIN)
    asked = request(b"/x/..%2fadmin", cookie=None)
    assert house.gate.decide_now(asked) == Deny(
        status=400, reason=Reason.AMBIGUOUS_PATH, kind=Kind.NAVIGATION
    )
    assert House().gate.decide_now(asked) == SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.NAVIGATION)


@pytest.mark.parametrize(
    "path",
    [
        b"/static/../page",
        b"/static/%2e%2e/page",
        b"/static/..%2fpage",
        b"/static//x",
        b"/static/a;x",
        b"/static/%00",
    ],
)
def test_an_open_path_is_not_open_in_an_ambiguous_spelling(path: bytes) -> None:
    asked = request(path, cookie=None)
    assert House().gate.decide_now(asked) == SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.NAVIGATION)


def test_an_open_path_comes_before_the_rules() -> None:
    house = ruled(PathRule(path="/*", groups=groups("admins")))
    assert house.gate.decide_now(request(b"/static/x", cookie=None)) == Open()


async def test_an_optional_path_names_whoever_is_signed_in_and_lets_strangers_pass() -> None:
    house = ruled(OPTIONAL)
    assert house.gate.decide_now(request(b"/docs/a", cookie=None)) == Open()
    assert await house.gate.decide(request(b"/docs/a", cookie=b"broken")) == Open()
    assert await house.gate.decide(request(b"/docs/a")) == ADMITTED
    assert house.gate.decide_now(request(b"/docs/a")) == ADMITTED
    assert house.gate.decide_now(request(b"/docs/a%2fb", cookie=None)) != Open()


@pytest.mark.parametrize("account", [Pending(), AccountRefused(reason=Reason.NO_SEAT)])
async def test_on_an_optional_path_somebody_without_an_account_is_nobody(
    account: Pending | AccountRefused,
) -> None:
    house = ruled(OPTIONAL)
    house.store.sessions[key()] = session(account=account)
    assert await house.gate.decide(request(b"/docs/a")) == Open()
    assert isinstance(await house.gate.decide(request(b"/page")), Deny)


async def test_on_an_optional_path_a_person_is_not_taken_for_a_stranger_while_the_store_is_away() -> None:
    house = ruled(OPTIONAL)
    house.store.down = True
    verdict = await house.gate.decide(request(b"/docs/a"))
    assert isinstance(verdict, Deny)
    assert verdict.reason is Reason.STORE_UNAVAILABLE


async def test_a_rule_says_how_a_stranger_is_answered() -> None:
    house = ruled(PathRule(path="/api/*", answer=AnswerAs.UNAUTHORIZED))
    refused = SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.SCRIPT)
    assert house.gate.decide_now(request(b"/api/x", cookie=None)) == refused
    assert await house.gate.decide(request(b"/api/x", cookie=b"broken")) == refused


# --- step-up ------------------------------------------------------------------------------------------------------

RECENT = Demand(max_age=300)
AGAIN = SignIn(reason=Reason.INSUFFICIENT_AUTHENTICATION, kind=Kind.NAVIGATION, demand=RECENT)


async def test_a_sign_in_grows_too_old_for_a_path_while_the_session_goes_on() -> None:
    house = ruled(PathRule(path="/pay", demand=RECENT))
    house.store.sessions[key()] = session(authentication=Authentication(at=2000.0))
    assert await house.gate.decide(request(b"/pay")) == ADMITTED
    house.now = house.cache.proved_at = 2000.0 + 300 + 61
    assert house.gate.decide_now(request(b"/pay")) == AGAIN
    assert house.gate.decide_now(request(b"/page")) == ADMITTED
    house.cache.drop(key())
    assert await house.gate.decide(request(b"/pay")) == AGAIN


async def test_a_session_whose_idp_never_said_when_is_too_old() -> None:
    house = ruled(PathRule(path="/pay", demand=RECENT))
    assert await house.gate.decide(request(b"/pay")) == AGAIN


async def test_somebody_who_is_not_signed_in_signs_in_first() -> None:
    house = ruled(PathRule(path="/pay", demand=RECENT))
    verdict = house.gate.decide_now(request(b"/pay", cookie=None))
    assert verdict == SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.NAVIGATION)


# --- the assertion ---


class Minting:
    """Signs nothing; counts, and says when it was asked."""

    def __init__(self) -> None:
        self.minted = 0

    def mint(self, session: Session, account: Ready, now: float) -> Asserted:
        self.minted += 1
        return Asserted(line=b"X-Muster-Assertion: %d\r\n" % now, renew_at=now + 240)


def asserted(at: float) -> Admit:
    return Admit(session=key(), block=ADMITTED.block + b"X-Muster-Assertion: %d\r\n" % at)


class AssertingHouse(House):
    """`pass_to` moves the clock and keeps the channel proved."""

    def __init__(self) -> None:
        super().__init__()
        self.minting = Minting()
        self.gate._asserts = self.minting

    def pass_to(self, now: float) -> None:
        self.now = self.cache.proved_at = now


async def test_one_assertion_goes_with_all_requests_of_its_time() -> None:
    house = AssertingHouse()
    assert await house.gate.decide(request()) == asserted(2000)
    for now in (2000.0, 2100.0, 2239.9):
        house.pass_to(now)
        assert house.gate.decide_now(request()) == asserted(2000)
    assert house.minting.minted == 1


async def test_an_old_assertion_is_made_anew_once_however_many_ask_and_no_store_is_called() -> None:
    house = AssertingHouse()
    await house.gate.decide(request())
    house.pass_to(2240.0)
    assert house.gate.decide_now(request()) is None, "what signs is no business of the fast path"
    verdicts = [await house.gate.decide(request()) for _ in range(20)]
    assert verdicts == [asserted(2240)] * 20
    assert house.gate.decide_now(request()) == asserted(2240)
    assert (house.minting.minted, house.store.loads) == (2, 1)


async def test_an_assertion_is_made_anew_while_the_store_is_away() -> None:
    house = AssertingHouse()
    await house.gate.decide(request())
    house.pass_to(2240.0)
    house.store.down = True
    house.now += 4.0
    assert await house.gate.decide(request()) == asserted(2244)
    house.now += 240.0
    assert isinstance(await house.gate.decide(request()), Deny), "the proof is too old for anything"


async def test_a_new_assertion_never_makes_a_due_session_fresh() -> None:
    house = AssertingHouse()
    await house.gate.decide(request())
    house.pass_to(4590.0)
    assert await house.gate.decide(request()) == asserted(4590)
    house.pass_to(4700.0)
    assert house.gate.decide_now(request()) is None
    await house.gate.decide(request())
    assert house.renewing.calls == 1


async def test_a_session_without_a_proof_is_looked_at_in_the_store_and_not_only_signed_for_again() -> None:
    house = AssertingHouse()
    await house.gate.decide(request())
    house.now = 2240.0
    del house.store.sessions[key()]
    assert isinstance(await house.gate.decide(request()), SignIn)


async def test_what_cannot_be_told_any_more_is_refused_when_the_assertion_is_old() -> None:
    house = AssertingHouse()
    await house.gate.decide(request())
    house.pass_to(2240.0)
    house.block = Reason.GROUPS_TOO_LARGE
    verdict = await house.gate.decide(request())
    assert isinstance(verdict, Deny)
    assert verdict.reason is Reason.GROUPS_TOO_LARGE


def test_machines_fetch_the_keys_under_whatever_name_they_know_us_by() -> None:
    gate = House().gate
    assert gate.decide_now(request(b"/_muster/jwks.json", host=b"muster:8080", cookie=None)) == Own()
    verdict = gate.decide_now(request(b"/_muster/jwks.jsonx", host=b"muster:8080", cookie=None))
    assert isinstance(verdict, Deny)
