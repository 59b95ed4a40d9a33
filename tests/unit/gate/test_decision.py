"""Who is asking, and what a session's condition means for them; rows of the table in the module."""

import pytest

from proxy.gate.decision import Deny, Kind, Renew, Request, SignIn, is_preflight, judge, kind_of
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Condition, Pending, Ready, Tokens
from tests.fakes.people import key, session


def request(method: bytes = b"GET", **headers: str) -> Request:
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(
        method=method,
        target=b"/",
        path=b"/",
        headers=fields,
        names=[name.lower() for name, _ in fields],
        host=b"app.example.com",
        cookie=None,
        peer="127.0.0.1",
        scheme="https",
    )


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (request(Sec_Fetch_Mode="navigate"), Kind.NAVIGATION),
        (request(b"POST", Sec_Fetch_Mode="navigate"), Kind.NAVIGATION),
        (request(Sec_Fetch_Mode="cors", Accept="text/html"), Kind.SCRIPT),
        (request(Sec_Fetch_Mode="no-cors"), Kind.SCRIPT),
        (request(Sec_Fetch_Mode="websocket", Upgrade="websocket"), Kind.SCRIPT),
        (request(Accept="text/html,*/*"), Kind.NAVIGATION),
        (request(Accept="text/html;q=0"), Kind.SCRIPT),
        (request(Accept="text/html; level=1 ; Q=0.000, */*"), Kind.SCRIPT),
        (request(Accept="text/html;q=0.05"), Kind.NAVIGATION),
        (request(Accept="text/html, application/json;q=0"), Kind.NAVIGATION),
        (request(b"HEAD", Accept="text/html"), Kind.NAVIGATION),
        (request(b"POST", Accept="text/html"), Kind.SCRIPT),
        (request(Accept="application/json"), Kind.SCRIPT),
        (request(), Kind.SCRIPT),
        (request(Accept="text/html", X_Requested_With="XMLHttpRequest"), Kind.SCRIPT),
        (request(Sec_Fetch_Mode="navigate", X_Requested_With="XMLHttpRequest"), Kind.SCRIPT),
        (request(Sec_Fetch_Mode="navigate", X_Requested_With="org.example.browser"), Kind.NAVIGATION),
        (request(Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe"), Kind.NAVIGATION),
        (request(Sec_Fetch_Mode="navigate", Sec_Fetch_Site="cross-site"), Kind.NAVIGATION),
        (request(Sec_Fetch_Mode="same-origin", Sec_Fetch_Dest="serviceworker"), Kind.SCRIPT),
        (request(Sec_Fetch_Mode="navigate", Sec_Purpose="prefetch"), Kind.SCRIPT),
        (request(Sec_Fetch_Mode="navigate", Sec_Purpose="prefetch;prerender"), Kind.SCRIPT),
        (request(Accept="text/html", Purpose="prefetch"), Kind.SCRIPT),
        (request(Accept="text/event-stream"), Kind.SCRIPT),
        (request(Accept="text/html, text/event-stream", Sec_Fetch_Mode="navigate"), Kind.SCRIPT),
        (request(Accept="application/json, text/html"), Kind.SCRIPT),
        (
            request(b"POST", Accept="text/html", Content_Type="multipart/form-data; boundary=x"),
            Kind.NAVIGATION,
        ),
        (request(b"POST", Accept="text/html", Content_Type="application/json"), Kind.SCRIPT),
        (request(b"PUT", Accept="text/html", Content_Type="text/plain"), Kind.SCRIPT),
        (request(b"POST", Content_Type="application/grpc"), Kind.GRPC),
        (request(b"POST", Content_Type="Application/gRPC-Web+proto", Sec_Fetch_Mode="cors"), Kind.GRPC),
        (request(b"OPTIONS", Origin="https://a.example", Access_Control_Request_Method="POST"), Kind.SCRIPT),
    ],
)
def test_a_navigation_is_told_from_a_script(asked: Request, kind: Kind) -> None:
    assert kind_of(asked) is kind


ASKING = {"Origin": "https://a.example", "Access_Control_Request_Method": "PUT"}


@pytest.mark.parametrize(
    ("asked", "is_one"),
    [
        (request(b"OPTIONS", **ASKING), True),
        (request(b"OPTIONS", **ASKING, Content_Length="0"), True),
        (request(b"OPTIONS", **ASKING, Content_Length="3"), False),
        (request(b"OPTIONS", **ASKING, Transfer_Encoding="chunked"), False),
        (request(b"OPTIONS", **ASKING, X_HTTP_Method_Override="DELETE"), False),
        (request(b"OPTIONS", **ASKING, X_HTTP_Method="DELETE"), False),
        (request(b"OPTIONS", Origin="https://a.example"), False),
        (request(b"OPTIONS", Access_Control_Request_Method="PUT"), False),
        (request(b"GET", **ASKING), False),
    ],
)
def test_a_preflight_is_a_question_and_nothing_else(asked: Request, is_one: bool) -> None:
    assert is_preflight(asked) is is_one


NAV = Kind.NAVIGATION


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        (Condition.ENDED, SignIn(reason=Reason.TOO_OLD, kind=NAV)),
        (Condition.DUE, Renew(session=key())),
        (Condition.STALE, Deny(status=503, reason=Reason.GRACE_OVER, kind=NAV, retry_after=30)),
        (Condition.FRESH, Ready(login="alice", account_id="7")),
        (Condition.WAITING, Ready(login="alice", account_id="7")),
    ],
)
def test_a_ready_session_is_admitted_only_while_fresh_or_waiting(
    condition: Condition, verdict: object
) -> None:
    assert judge(session(), condition, NAV) == verdict


def test_a_due_session_without_a_refresh_token_is_sent_to_a_silent_sign_in() -> None:
    due = session(tokens=Tokens(access_token="a"))
    assert judge(due, Condition.DUE, NAV) == SignIn(reason=Reason.NO_REFRESH_TOKEN, kind=NAV, is_silent=True)


def test_a_session_whose_token_we_spent_says_so() -> None:
    due = session(tokens=Tokens(), trouble=Reason.OUR_TOKEN_SPENT)
    verdict = judge(due, Condition.DUE, NAV)
    assert isinstance(verdict, SignIn)
    assert verdict.reason is Reason.OUR_TOKEN_SPENT


@pytest.mark.parametrize("condition", [Condition.FRESH, Condition.WAITING])
def test_only_ready_is_forwarded(condition: Condition) -> None:
    pending = judge(session(account=Pending()), condition, NAV)
    refused = judge(session(account=AccountRefused(reason=Reason.NO_SEAT)), condition, NAV)
    assert pending == Deny(status=503, reason=Reason.BEING_SET_UP, kind=NAV, retry_after=2)
    assert refused == Deny(status=403, reason=Reason.NO_SEAT, kind=NAV)


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (("*/*", "text/html"), Kind.NAVIGATION),
        (("text/html", "application/json"), Kind.SCRIPT),
        (("text/html", "text/event-stream"), Kind.SCRIPT),
    ],
)
def test_all_lines_of_accept_count(lines: tuple[str, ...], kind: Kind) -> None:
    asked = request()
    for line in lines:
        asked.headers.append((b"Accept", line.encode()))
        asked.names.append(b"accept")
    assert kind_of(asked) is kind
