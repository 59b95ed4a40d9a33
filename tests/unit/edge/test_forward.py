"""Heads as the app and our own pages get them."""

import pytest

from proxy.edge.forward import own_head, upstream_head
from proxy.edge.head import CHUNKED, Fields, Head
from proxy.edge.pool import Pool
from proxy.edge.rules import UpstreamRules
from proxy.gate.decision import Request
from proxy.gate.fields import Cookies
from tests.fakes.still import StillEdge

FORWARDING = b"X-Forwarded-For: 192.0.2.1\r\n"
BLOCK = b"X-Forwarded-User: ada\r\n"
EDGE = StillEdge()


def _head(
    method: bytes = b"GET", *, host: bytes | None = b"app.example", length: int = 0, expects: bool = False
) -> Head:
    headers = [(b"Host", b"App.example"), (b"Cookie", b"__Host-muster=x; a=b"), (b"X-A", b"1")]
    request = Request(
        method=method,
        target=b"/a?b",
        path=b"/a",
        headers=headers,
        names=[name.lower() for name, _ in headers],
        host=host,
        cookie=b"x",
        peer="192.0.2.1",
        scheme="https",
    )
    return Head(request, length, Fields(headers, Cookies(b"__Host-muster")), expects)


def test_the_head_for_the_app_is_written_anew_and_ours_stand_last() -> None:
    assert upstream_head(_head(), EDGE.plane, EDGE.pool, FORWARDING, BLOCK) == (
        b"GET /a?b HTTP/1.1\r\nHost: app.example\r\nCookie: a=b\r\nX-A: 1\r\nVia: 1.1 muster\r\n"
        + FORWARDING
        + BLOCK
        + b"\r\n"
    )


@pytest.mark.parametrize(
    ("keeps_host", "host", "seen"), [(False, b"x", b"app:81"), (True, b"x", b"x"), (True, None, b"app:81")]
)
def test_the_app_sees_the_clients_host_or_its_own(keeps_host: bool, host: bytes | None, seen: bytes) -> None:
    edge = StillEdge()
    rules = UpstreamRules(host="app", port=81, keeps_host=keeps_host)
    pool = Pool(rules, edge.plane.loop, lambda: None)
    assert b"\r\nHost: " + seen + b"\r\n" in upstream_head(_head(host=host), edge.plane, pool, b"", b"")


@pytest.mark.parametrize(
    ("head", "line"),
    [
        (_head(b"POST", length=5), b"Content-Length: 5\r\n\r\n"),
        (_head(b"POST"), b"Content-Length: 0\r\n\r\n"),
        (_head(b"GET", length=5), b"Content-Length: 5\r\n\r\n"),
        (_head(b"POST", length=CHUNKED), b"Transfer-Encoding: chunked\r\n\r\n"),
        (_head(b"PUT", length=5, expects=True), b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"),
    ],
)
def test_the_length_is_said_as_it_was_decided(head: Head, line: bytes) -> None:
    assert upstream_head(head, EDGE.plane, EDGE.pool, b"", b"").endswith(line)


def test_no_length_is_said_where_no_body_is_usual() -> None:
    assert b"Content-Length" not in upstream_head(_head(b"DELETE"), EDGE.plane, EDGE.pool, b"", b"")


def test_own_pages_get_the_cookies_the_peer_and_the_scheme() -> None:
    assert own_head(_head(), StillEdge().plane, "192.0.2.1") == (
        b"GET /a?b HTTP/1.1\r\nHost: app.example\r\nCookie: __Host-muster=x; a=b\r\n"
        b"X-Muster-Peer: 192.0.2.1\r\nX-Muster-Scheme: https\r\nConnection: close\r\n\r\n"
    )
    assert b"Host: localhost\r\n" in own_head(_head(host=None), StillEdge().plane, "unix")
