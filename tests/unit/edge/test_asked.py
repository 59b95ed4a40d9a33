"""A question of another proxy as an exchange, without a socket."""

import ipaddress
from dataclasses import fields, replace

import pytest

from proxy.edge.plane import Neighbours, nobody_hears
from proxy.edge.trust import Trust
from proxy.gate.decision import Deny, Kind, SignIn, Verdict
from proxy.reasons import Reason
from tests.fakes.edge import KEY, FakeGate, fields_of, status_of
from tests.fakes.still import StillEdge

PEER = ipaddress.ip_network("192.0.2.1")
QUESTION = b"X-Forwarded-Method: %b\r\nX-Forwarded-Uri: /page\r\n"


def edge(verdict: Verdict | None = None, *, trusts: bool = True, slow: bool = False) -> StillEdge:
    gate = FakeGate(slow=slow) if verdict is None else FakeGate(verdict=verdict, slow=slow)
    return StillEdge(gate, takes_questions=True, trust=Trust([PEER] if trusts else []))


def head(dialect: bytes = b"", *, method: bytes = b"GET", told: bytes = b"GET") -> bytes:
    return b"%b /_muster/auth%b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (method, dialect, QUESTION % told)


def test_a_session_that_is_known_costs_no_task_and_nothing_goes_to_the_app() -> None:
    one = edge()
    one.send(head())
    assert status_of(one.got) == 200
    assert (b"x-forwarded-user", b"ada") in fields_of(one.got)
    assert (one.loop.tasks, one.forwarded, one.plane.figures.admitted) == ([], b"", 1)
    assert [(asked.method, asked.path) for asked in one.gate.requests] == [
        (b"GET", b"/_muster/auth"),
        (b"GET", b"/page"),
    ]


def test_the_access_log_names_the_page_that_was_asked_about() -> None:
    one = edge()
    one.send(head())
    assert one.access.lines == [("192.0.2.1", b"/page", 200, 0, KEY)]


def test_many_questions_come_on_one_connection() -> None:
    one = edge()
    for _ in range(3):
        one.send(head(b"/nginx"))
    assert one.got.count(b"HTTP/1.1 200 OK") == 3
    assert not one.transport.is_over


def test_a_gate_that_must_wait_is_asked_in_a_task() -> None:
    one = edge(slow=True)
    one.send(head())
    assert (len(one.loop.tasks), one.got) == (1, b"")


def test_whoever_is_not_trusted_learns_nothing_and_the_operator_hears_of_it() -> None:
    one = edge(trusts=False)
    one.send(head())
    assert status_of(one.got) == 403
    assert b"ada" not in one.got
    assert [asked.path for asked in one.gate.requests] == [b"/_muster/auth"]
    assert one.asked_in_vain == [("192.0.2.1", Reason.UNTRUSTED_PROXY)]


def test_a_proxy_that_names_no_target_is_told_to_the_operator() -> None:
    one = edge()
    one.send(b"GET /_muster/auth HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status_of(one.got) == 400
    assert one.asked_in_vain == [("192.0.2.1", Reason.PROXY_UNCLEAR)]


SIGN_IN = SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.NAVIGATION)
AWAY = Deny(status=503, reason=Reason.STORE_UNAVAILABLE, kind=Kind.SCRIPT)


@pytest.mark.parametrize(
    ("verdict", "dialect", "status"),
    [
        (SIGN_IN, b"/nginx", 401),
        (AWAY, b"/nginx", 403),
        (AWAY, b"", 503),
        (AWAY, b"/refusal", 503),
        (replace(AWAY, status=403), b"", 403),
    ],
)
def test_a_refusal_is_told_as_the_dialect_has_it(verdict: Verdict, dialect: bytes, status: int) -> None:
    one = edge(verdict)
    one.send(head(dialect))
    assert status_of(one.got) == status
    assert one.asked_in_vain == []


def test_asked_for_a_refusal_where_there_is_none_it_says_try_again() -> None:
    one = edge()
    one.send(head(b"/refusal"))
    assert status_of(one.got) == 503
    assert b"ada" not in one.got


def test_a_head_that_is_asked_about_by_a_get_has_a_body_and_the_other_way_round() -> None:
    by_get = edge(AWAY)
    by_get.send(head(told=b"HEAD"))
    assert by_get.got.endswith(b"store_unavailable")
    by_head = edge(AWAY)
    by_head.send(head(method=b"HEAD"))
    assert by_head.got.endswith(b"\r\n\r\n")


def test_a_host_of_the_questions_own_is_no_reason_to_refuse() -> None:
    """Traefik asks under the address of Muster; the person's host stands in X-Forwarded-Host."""
    one = edge()
    plain = one.gate.decide_now

    def by_host(request: object) -> Verdict | None:
        known = plain(request)  # type: ignore[arg-type]
        is_foreign = getattr(request, "host", None) == b"muster:8080"
        return Deny(status=421, reason=Reason.WRONG_HOST, kind=Kind.SCRIPT) if is_foreign else known

    one.gate.decide_now = by_host  # type: ignore[method-assign]
    one.send(head().replace(b"Host: a", b"Host: muster:8080\r\nX-Forwarded-Host: a"))
    assert status_of(one.got) == 200
    one.send(head().replace(b"Host: a", b"Host: muster:8080"))
    assert b"421" in one.got


def test_switched_off_the_path_is_one_of_our_own_pages() -> None:
    one = StillEdge()
    one.send(head())
    assert (len(one.loop.tasks), one.plane.figures.own) == (1, 1)


def test_nobody_needs_to_hear() -> None:
    defaults = {each.name: each.default for each in fields(Neighbours)}
    assert defaults["asked_in_vain"] is nobody_hears
    nobody_hears("192.0.2.1", Reason.UNTRUSTED_PROXY)
