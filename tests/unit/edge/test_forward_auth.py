"""Questions of other proxies: what they ask about, what they are told, and what nobody should guess at."""

import pytest

from proxy.edge.forward_auth import (
    PATH,
    Asking,
    Dialect,
    dialect_of,
    disagreement,
    plainly,
    refused,
    untrusted,
)
from proxy.edge.handshake import WebSocketRules
from proxy.edge.ports import Answer
from proxy.gate.decision import Admit, Deny, Kind, Open, Own, Request, SignIn
from proxy.gate.fields import Field, FieldRules
from proxy.reasons import Reason
from tests.fakes.edge import ADMIT, COOKIE, FIELDS, KEY

HOST = (b"Host", b"app.example.com")
GET = (b"X-Forwarded-Method", b"GET")
PAGE = (b"X-Forwarded-Uri", b"/page?a=1")
ASKED = [HOST, GET, PAGE]


def question(*fields: Field, target: bytes = b"/_muster/auth", method: bytes = b"GET") -> Request:
    names = [name.lower() for name, _ in fields]
    host = next((value for name, value in fields if name == b"Host"), None)
    return Request(
        method=method,
        target=target,
        path=target.partition(b"?")[0],
        headers=list(fields),
        names=names,
        host=host,
        cookie=b"ours",
        peer="192.0.2.1",
        scheme="https",
    )


def asking(*, passes_authorization: bool = False) -> Asking:
    rules = FieldRules(identity=FIELDS.identity, cookie=COOKIE, passes_authorization=passes_authorization)
    return Asking(rules, WebSocketRules())


def about(*fields: Field, dialect: Dialect = Dialect.PASSING, **of: bytes) -> Request:
    found = asking().about(question(*fields, **of), dialect)
    assert isinstance(found, Request), found
    return found


def refusal(*fields: Field, dialect: Dialect = Dialect.PASSING, **of: bytes) -> tuple[int, Reason]:
    found = asking().about(question(*fields, **of), dialect)
    assert isinstance(found, Deny), (found.method, found.target)
    return found.status, found.reason


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        (b"/_muster/auth", Dialect.PASSING),
        (b"/_muster/auth/nginx", Dialect.NGINX),
        (b"/_muster/auth/refusal", Dialect.REFUSAL),
        (b"/_muster/auth/envoy/", Dialect.ENVOY),
        (b"/_muster/auth/envoy/a/b", Dialect.ENVOY),
        (b"/_muster/auth/envoy", None),
        (b"/_muster/auth/", None),
        (b"/_muster/authors", None),
        (b"/", None),
    ],
)
def test_a_dialect_has_a_path_of_its_own(path: bytes, dialect: Dialect | None) -> None:
    assert dialect_of(path) is dialect


def test_the_request_is_the_one_that_the_proxy_tells_of() -> None:
    found = about(HOST, (b"X-Forwarded-Method", b"POST"), PAGE, (b"Accept", b"text/html"))
    assert (found.method, found.target, found.path) == (b"POST", b"/page?a=1", b"/page")
    assert (found.host, found.cookie, found.peer, found.scheme) == (
        b"app.example.com", b"ours", "192.0.2.1", "https",
    )  # fmt: skip
    assert found.header(b"accept") == b"text/html"


def test_the_host_is_the_one_told_and_else_that_of_the_question() -> None:
    assert about(*ASKED, (b"X-Forwarded-Host", b"Other.Example.COM:8443")).host == b"other.example.com:8443"
    assert about(*ASKED).host == b"app.example.com"


def test_an_ingress_may_tell_the_whole_address_of_its_own_host() -> None:
    told = (b"X-Original-URL", b"https://app.example.com/page?a=1")
    assert about(HOST, (b"X-Original-Method", b"GET"), told).target == b"/page?a=1"
    foreign = (b"X-Original-URL", b"https://evil.example.net/page")
    assert refusal(HOST, GET, foreign) == (400, Reason.BAD_REQUEST)


def test_envoy_tells_by_the_question_itself() -> None:
    found = about(
        HOST,
        (b"X-Forwarded-Uri", b"/open/of-the-client"),
        dialect=Dialect.ENVOY,
        target=b"/_muster/auth/envoy/a%2fb?c",
        method=b"PUT",
    )
    assert (found.method, found.target, found.path) == (b"PUT", b"/a%2fb?c", b"/a%2fb")


@pytest.mark.parametrize(
    "fields",
    [
        [HOST, GET],
        [HOST, PAGE],
        [HOST],
        [HOST, GET, (b"x-forwarded-method", b"POST"), PAGE],
        [HOST, GET, (b"X-Original-Method", b"POST"), PAGE],
        [*ASKED, (b"X-Forwarded-Host", b"a, b")],
        [*ASKED, (b"X-Forwarded-Host", b"a"), (b"X-Forwarded-Host", b"b")],
        [GET, PAGE],
    ],
    ids=lambda fields: b" ".join(name for name, _ in fields).decode(),
)
def test_a_proxy_that_says_too_little_or_two_things_is_told_so(fields: list[Field]) -> None:
    assert refusal(*fields) == (400, Reason.PROXY_UNCLEAR)


def test_long_names_are_judged_and_not_remembered() -> None:
    asks = asking()
    for number in range(3000):
        asks.about(question(*ASKED, (b"x%d" % number, b"")), Dialect.PASSING)
    long = b"X_Forwarded_" + b"x" * 30_000
    assert isinstance(asks.about(question(*ASKED, (long, b"root")), Dialect.PASSING), Deny)
    assert len(asks._odd) <= 1024
    assert max(map(len, asks._odd)) <= 64


@pytest.mark.parametrize("name", [b"X-Forwarded-Uri", b"x-original-uri", b"X-Original-URL"])
def test_a_target_that_the_client_adds_opens_nothing(name: bytes) -> None:
    assert refusal(*ASKED, (name, b"/open/")) == (400, Reason.BAD_REQUEST)
    assert about(*ASKED, (name, PAGE[1])).target == PAGE[1]


@pytest.mark.parametrize(
    "target", [b"page", b"", b"/a b", b"/a#b", b"*", b"//\x00", b"ftp://app.example.com/"]
)
def test_a_target_that_no_head_may_have_is_refused(target: bytes) -> None:
    assert refusal(HOST, GET, (b"X-Forwarded-Uri", target)) == (400, Reason.BAD_REQUEST)


@pytest.mark.parametrize("name", [b"X-Original-URL", b"X-Original-URI"])
def test_a_client_of_envoy_tells_the_app_no_other_path_than_the_one_that_is_judged(name: bytes) -> None:
    """Envoy passes the field on, and some apps would read their path there."""
    asked, same, other = b"/_muster/auth/envoy/page?a=1", (name, b"/page?a=1"), (name, b"/admin")
    assert about(HOST, same, dialect=Dialect.ENVOY, target=asked).target == b"/page?a=1"
    assert refusal(HOST, other, dialect=Dialect.ENVOY, target=asked) == (400, Reason.BAD_REQUEST)


@pytest.mark.parametrize(
    "target", [PATH, PATH + b"?a=/", PATH + b"/nginx", PATH + b"/envoy/x", PATH + b"/x", PATH + b"orise"]
)
def test_nobody_is_let_through_to_where_questions_are_asked(target: bytes) -> None:
    """Elsewhere such a path would be the app's, without a session."""
    told = (HOST, GET, (b"X-Forwarded-Uri", target))
    for dialect in (Dialect.PASSING, Dialect.NGINX, Dialect.REFUSAL):
        assert refusal(*told, dialect=dialect) == (404, Reason.BAD_REQUEST)
    assert refusal(HOST, dialect=Dialect.ENVOY, target=b"/_muster/auth/envoy" + target) == (
        404,
        Reason.BAD_REQUEST,
    )


def test_other_own_paths_may_be_asked_about() -> None:
    assert about(HOST, GET, (b"X-Forwarded-Uri", b"/_muster/callback?code=1")).path == b"/_muster/callback"


@pytest.mark.parametrize("target", [b"/%5fmuster/auth", b"/a/../_muster/x", b"//_muster/x", b"/_MUSTER/x"])
def test_another_spelling_of_an_own_path_is_ambiguous_here_too(target: bytes) -> None:
    assert refusal(HOST, GET, (b"X-Forwarded-Uri", target)) == (400, Reason.AMBIGUOUS_PATH)
    whole = b"/_muster/auth/envoy" + target
    assert refusal(HOST, dialect=Dialect.ENVOY, target=whole) == (400, Reason.AMBIGUOUS_PATH)


@pytest.mark.parametrize("method", [b"CONNECT", b"TRACE", b"get", b"NONSENSE"])
def test_a_method_that_no_head_may_have_is_refused(method: bytes) -> None:
    assert refusal(HOST, (b"X-Forwarded-Method", method), PAGE) == (501, Reason.BAD_REQUEST)


@pytest.mark.parametrize(
    "name",
    [
        b"X_Forwarded_User",
        b"x-forwarded_user",
        b"X.Forwarded.Groups",
        b"X~Forwarded-Email",
        b"X_Forwarded_Uri",
        b"X_Muster_Peer",
        b"X_Original_URL",
        b"X.Original.Uri",
        b"X-Rewrite-URL",
        b"X_Rewrite_Url",
        b"X-Override-URL",
    ],
)
def test_a_forged_spelling_that_the_proxy_would_overlook_is_refused(name: bytes) -> None:
    assert refusal(*ASKED, (name, b"root")) == (400, Reason.BAD_REQUEST)


@pytest.mark.parametrize(
    "name", [b"X-Forwarded-User", b"x-forwarded-for", b"Cookie", b"My_Own_Field", b"Authorization"]
)
def test_what_the_proxy_overwrites_or_is_not_ours_is_no_reason_to_refuse(name: bytes) -> None:
    assert about(*ASKED, (name, b"x")).target == PAGE[1]


def test_spellings_are_remembered_in_a_bounded_dict() -> None:
    asked = asking()
    for number in range(3000):
        asked.about(question(*ASKED, (b"x-%d" % number, b"")), Dialect.PASSING)
    assert isinstance(asked.about(question(*ASKED, (b"X_Forwarded_User", b"")), Dialect.PASSING), Deny)


def test_a_websocket_of_another_sites_page_is_refused() -> None:
    key = (b"Sec-WebSocket-Key", b"a2V5")
    foreign, own = (b"Origin", b"https://evil.example.net"), (b"Origin", b"https://app.example.com")
    assert refusal(*ASKED, key, foreign) == (403, Reason.WRONG_ORIGIN)
    assert refusal(*ASKED, (b"Upgrade", b"websocket"), foreign) == (403, Reason.WRONG_ORIGIN)
    assert about(*ASKED, key, own).path == b"/page"
    assert about(*ASKED, foreign).path == b"/page"


def allowed(
    *fields: Field, verdict: Admit | Open | Own = ADMIT, dialect: Dialect = Dialect.PASSING, **changes: bool
) -> Answer:
    return asking(**changes).allowed(question(*ASKED, *fields), verdict, dialect)


def test_yes_is_200_with_the_identity_and_nothing_to_keep() -> None:
    answer = allowed()
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers == (
        (b"X-Forwarded-User", b"ada"), (b"X-Forwarded-Groups", b"engineers"), (b"Cache-Control", b"no-store"),
    )  # fmt: skip


def test_a_value_with_a_colon_stays_whole() -> None:
    verdict = Admit(session=KEY, block=b"X-Forwarded-User: a: b\r\n")
    assert allowed(verdict=verdict).headers[0] == (b"X-Forwarded-User", b"a: b")


@pytest.mark.parametrize("verdict", [Open(), Own()])
def test_an_open_path_is_allowed_without_an_identity(verdict: Open | Own) -> None:
    assert allowed(verdict=verdict).headers == ((b"Cache-Control", b"no-store"),)


def test_the_app_gets_every_cookie_but_ours() -> None:
    ours = b"%b=secret" % COOKIE.encode()
    answer = allowed((b"Cookie", b"a=1; %b; b=2" % ours), (b"Cookie", b"c=3"), (b"cookie", ours))
    assert (b"Cookie", b"a=1; b=2; c=3") in answer.headers
    assert b"secret" not in b"".join(value for _, value in answer.headers)
    assert b"Cookie" not in dict(allowed((b"Cookie", ours)).headers)


def test_the_clients_authorization_is_passed_only_where_the_settings_say_so() -> None:
    shown = (b"Authorization", b"Bearer x")
    assert shown not in allowed(shown).headers
    assert shown in allowed(shown, passes_authorization=True).headers


def test_envoy_is_told_what_to_take_out() -> None:
    removed = dict(allowed(dialect=Dialect.ENVOY).headers)[b"X-Envoy-Auth-Headers-To-Remove"]
    assert removed.split(b",") == [
        b"x-forwarded-email", b"x-forwarded-preferred-username", b"cookie", b"authorization",
    ]  # fmt: skip


SIGN_IN = SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.NAVIGATION)
AWAY = Deny(status=503, reason=Reason.STORE_UNAVAILABLE, kind=Kind.NAVIGATION, retry_after=5)
REDIRECT = Answer(status=303, headers=((b"Location", b"https://app.example.com/_muster/sign-in"),), body=b"x")
BUSY = Answer(status=503, headers=((b"Retry-After", b"5"),), body=b"page")


def test_nginx_knows_401_and_403_only() -> None:
    asks = refused(SIGN_IN, REDIRECT, Dialect.NGINX)
    assert (asks.status, asks.headers, asks.body) == (401, REDIRECT.headers, b"")
    assert refused(AWAY, BUSY, Dialect.NGINX).status == 403


@pytest.mark.parametrize("dialect", [Dialect.PASSING, Dialect.REFUSAL, Dialect.ENVOY])
def test_the_others_pass_the_answer_on(dialect: Dialect) -> None:
    assert refused(SIGN_IN, REDIRECT, dialect) is REDIRECT
    assert refused(AWAY, BUSY, dialect) is BUSY


@pytest.mark.parametrize("dialect", [Dialect.PASSING, Dialect.NGINX, Dialect.ENVOY])
def test_a_grpc_client_is_refused_by_status_since_200_would_let_it_pass(dialect: Dialect) -> None:
    verdict = SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.GRPC)
    assert plainly(verdict, dialect).kind is Kind.SCRIPT
    assert plainly(verdict, Dialect.REFUSAL).kind is Kind.GRPC


def test_a_refusal_that_would_let_pass_is_a_bug_and_stops() -> None:
    with pytest.raises(AssertionError):
        refused(SIGN_IN, Answer(status=200), Dialect.PASSING)


def test_who_is_not_trusted_and_who_changed_their_mind() -> None:
    assert (untrusted(question()).status, untrusted(question()).reason) == (403, Reason.UNTRUSTED_PROXY)
    again = disagreement(question())
    assert (again.status, again.reason, again.retry_after) == (503, Reason.PROXY_DISAGREES, 1)
