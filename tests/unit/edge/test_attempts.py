"""What an answer to a head that was too large clears."""

import pytest

from proxy.edge.attempts import MOST, Attempts
from proxy.edge.inbox import FEED
from tests.fakes.still import StillEdge


def cookies(count: int, size: int) -> bytes:
    return b"; ".join(b"__Host-muster-a-%016x=%b" % (number, b"v" * size) for number in range(count))


def head(count: int, size: int) -> bytes:
    pairs = b"app=1; " + cookies(count, size) + b"; __Host-muster=ours"
    return b"GET /work HTTP/1.1\r\nHost: a\r\nCookie: " + pairs + b"\r\n\r\n"


def test_a_browser_with_too_many_attempts_is_rid_of_them_all_by_the_refusal() -> None:
    edge = StillEdge()
    edge.send(head(30, 1300))
    assert b" 431 " in edge.got
    cleared = [line for line in edge.got.split(b"\r\n") if line.startswith(b"Set-Cookie: ")]
    assert len(cleared) >= 24, "all that stood in what was read"
    assert all(b"=; Path=/; Max-Age=0; Secure" in line for line in cleared)
    left = head(30 - len(cleared), 1300)
    again = StillEdge()
    again.send(left)
    assert b" 431 " not in again.got


@pytest.mark.parametrize("cut", [FEED - 700, FEED - 10, FEED])
def test_names_are_found_however_the_bytes_came(cut: int) -> None:
    whole, edge = head(30, 1300), StillEdge()
    edge.send(whole[:cut], whole[cut:])
    assert edge.got.count(b"Max-Age=0") >= 24


def test_a_large_head_without_attempts_clears_nothing() -> None:
    edge = StillEdge()
    edge.send(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: __Host-muster=" + b"v" * 40_000 + b"\r\n\r\n")
    assert b" 431 " in edge.got
    assert b"Set-Cookie" not in edge.got


def test_the_names_are_those_of_the_configured_cookie() -> None:
    head = b"Cookie: muster-a-0123456789abcdef=v; __Host-muster-a-fedcba9876543210=v; muster-a-xyz=v"
    assert [line for _, line in Attempts("__Host-muster").cleared(head)] == [
        b"__Host-muster-a-fedcba9876543210=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
    ]
    plain = [line for _, line in Attempts("muster").cleared(head)]
    assert plain[0] == b"muster-a-0123456789abcdef=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"


def test_one_answer_clears_a_bounded_number_and_each_once() -> None:
    assert len(Attempts("__Host-muster").cleared(cookies(200, 1) * 2)) == MOST
