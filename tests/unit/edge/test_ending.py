"""Ends and deadlines of an exchange, by what is being waited for."""

import pytest

from proxy.edge.rules import Limits
from tests.fakes.still import StillEdge

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"


@pytest.mark.parametrize(
    ("sent", "answered", "seconds", "status"),
    [
        (GET, b"", 60.0, b"504"),
        (POST, b"", 25.0, b"408"),
        (GET, BEGUN, 60.0, b"cut"),
        (POST, BEGUN, 60.0, b"cut"),
    ],
)
def test_each_phase_has_its_own_deadline_and_its_own_end(
    sent: bytes, answered: bytes, seconds: float, status: bytes
) -> None:
    edge = StillEdge()
    edge.send(sent)
    if answered:
        edge.answer(answered)
    edge.later(seconds - 1)
    assert not edge.transport.is_over
    edge.later(2)
    assert edge.transport.is_aborted if status == b"cut" else edge.got.startswith(b"HTTP/1.1 " + status)
    assert edge.pool.made[0][1].is_aborted


LONG = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n"


def test_progress_moves_the_deadline() -> None:
    edge = StillEdge()
    edge.send(LONG)
    for _ in range(8):
        edge.later(20.0)
        edge.send(b"x" * edge.limits.least_sent)
    assert edge.got == b""


def test_a_body_that_drips_is_as_slow_as_none() -> None:
    edge = StillEdge()
    edge.send(LONG)
    for _ in range(26):
        edge.later(1.0)
        edge.send(b"x" * 100)
    assert edge.got.startswith(b"HTTP/1.1 408 ")


def test_without_a_least_rate_one_byte_is_progress() -> None:
    edge = StillEdge(limits=Limits(min_rate=None))
    edge.send(LONG)
    for _ in range(8):
        edge.later(20.0)
        edge.send(b"x")
    assert edge.got == b""


def test_an_app_that_does_not_read_is_the_apps_fault() -> None:
    edge = StillEdge()
    edge.send(POST)
    edge.pool.made[0][0].pause_writing()
    edge.later(61.0)
    assert edge.got.startswith(b"HTTP/1.1 504 ")


def test_an_exchange_is_logged_once_whatever_its_end() -> None:
    for end in ("answered", "cut", "gone"):
        edge = StillEdge(limits=Limits())
        edge.send(GET)
        if end == "answered":
            edge.answer(b"HTTP/1.1 204 No\r\n\r\n")
        elif end == "cut":
            edge.answer(BEGUN)
            edge.later(61.0)
        edge.client.connection_lost(None)
        assert len(edge.access.lines) == 1
