"""A client's connection, fed by hand: what is parsed when, and what ends it."""

import pytest

from proxy.edge.inbox import FEED
from proxy.edge.rules import Limits
from tests.fakes.still import StillEdge, strict_requests

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_second_head_is_not_parsed_before_the_first_answer_and_reading_pauses() -> None:
    edge = StillEdge()
    edge.send(GET + b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert len(edge.gate.requests) == 1
    assert edge.transport.is_paused
    edge.answer(OK)
    assert [request.path for request in edge.gate.requests] == [b"/", b"/2"]
    assert not edge.transport.is_paused


@pytest.mark.parametrize("wrong", [b"\r\n", b"Host: a\r\nHost: b\r\n\r\n", b"Host: a\r\n folded: x\r\n\r\n"])
def test_a_refused_head_request_gets_the_head_of_the_refusal_alone(wrong: bytes) -> None:
    edge = StillEdge()
    edge.send(b"HEAD / HTTP/1.1\r\n" + wrong)
    assert edge.got.startswith(b"HTTP/1.1 400 ")
    assert edge.got.endswith(b"Connection: close\r\n\r\n")


@pytest.mark.parametrize("cut", range(1, len(GET)))
def test_the_end_of_a_head_is_found_wherever_it_is_cut(cut: int) -> None:
    """With the next request on its heels: were the end missed, both would be parsed at once."""
    edge = StillEdge()
    edge.send(GET[:cut], GET[cut:] + GET + GET)
    assert len(edge.gate.requests) == 1
    for _ in range(3):
        edge.answer(OK)
    assert len(edge.gate.requests) == 3
    assert edge.got.count(b"200 OK") == 3
    assert len(strict_requests(edge.forwarded)) == 3


def test_a_body_is_fed_in_bounded_parts_and_not_beyond_its_end() -> None:
    edge = StillEdge()
    body = b"x" * (3 * FEED + 5)
    edge.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body + GET)
    (request,) = strict_requests(edge.forwarded)
    assert request.body == body
    assert len(edge.gate.requests) == 1


def test_a_body_waits_while_the_app_cannot_take_it() -> None:
    edge = StillEdge()
    edge.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
    upstream, transport = edge.pool.made[0]
    upstream.pause_writing()
    before = len(transport.written)
    edge.send(b"x" * 50_000)
    assert len(transport.written) == before
    assert edge.transport.is_paused
    upstream.resume_writing()
    assert len(transport.written) == before + 50_000
    assert not edge.transport.is_paused


def test_a_connection_to_close_is_closed_after_its_answer() -> None:
    edge = StillEdge()
    edge.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    edge.answer(OK)
    assert b"Connection: close\r\n" in edge.got
    assert edge.transport.is_closed


def test_what_comes_after_a_refusal_is_thrown_away_and_then_the_connection_is() -> None:
    edge = StillEdge()
    edge.send(b"GET / HTTP/1.1\r\n\r\n")
    assert edge.got.startswith(b"HTTP/1.1 400 ")
    assert edge.transport.is_eof
    edge.send(GET)
    assert edge.gate.requests == []
    edge.later(edge.limits.linger + 1)
    assert edge.transport.is_aborted


@pytest.mark.parametrize(
    ("data", "seconds", "ending"),
    [(b"", 10.0, "closed"), (b"GET /", 10.0, "408"), (GET + b"", 60.0, "504")],
)
def test_deadlines_pass_at_the_tick_after_them(data: bytes, seconds: float, ending: str) -> None:
    edge = StillEdge()
    if data:
        edge.send(data)
    edge.later(seconds - 0.1)
    assert not edge.transport.written
    edge.later(0.2)
    assert (
        edge.transport.is_closed
        if ending == "closed"
        else edge.got.startswith(b"HTTP/1.1 %b " % ending.encode())
    )


def test_a_reader_who_takes_something_now_and_then_is_not_cut() -> None:
    edge = StillEdge()
    edge.send(GET)
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nabc")
    edge.transport.buffered = 100_000
    edge.client.pause_writing()
    assert edge.pool.made[0][1].is_paused
    for left in (90_000, 80_000):
        edge.transport.buffered = left
        edge.later(31.0)
        assert not edge.transport.is_aborted
    edge.later(31.0)
    assert edge.transport.is_aborted


def test_a_reader_who_sips_is_cut_like_one_who_takes_nothing() -> None:
    edge = StillEdge()
    edge.send(GET)
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nabc")
    edge.transport.buffered = 100_000
    edge.client.pause_writing()
    edge.transport.buffered -= edge.limits.least_read - 1
    edge.later(edge.limits.write_timeout + 1)
    assert edge.transport.is_aborted


def test_too_many_connections_and_draining_refuse_new_ones() -> None:
    edge = StillEdge(limits=Limits(connections=1))
    _, second = edge.connect()
    assert second.is_aborted
    assert edge.plane.figures.refused_connections == 1


def test_the_forwarding_lines_follow_the_host() -> None:
    edge = StillEdge()
    assert b"X-Forwarded-Host: a\r\n" in edge.client.forwarding(b"a")
    assert edge.client.forwarding(b"a") is edge.client.forwarding(b"a")
    assert b"X-Forwarded-Host: b\r\n" in edge.client.forwarding(b"b")


def test_it_waits_between_requests_and_before_the_first_and_not_while_an_answer_is_taken() -> None:
    edge = StillEdge()
    since = edge.client.waiting_since()
    assert since == edge.plane.now
    edge.send(b"GET / HT")
    assert edge.client.waiting_since() is None, "a head comes"
    edge.send(b"TP/1.1\r\nHost: a\r\n\r\n")
    assert edge.client.waiting_since() is None, "an exchange is under way"
    edge.transport.buffered = 10
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert edge.client.waiting_since() is None, "the answer is not taken yet"
    edge.transport.buffered = 0
    assert edge.client.waiting_since() == edge.plane.now
    edge.client.give_way()
    assert edge.transport.is_aborted
    assert edge.client not in edge.plane.clients
    assert edge.client.waiting_since() is None


def test_who_took_a_long_answer_at_last_waits_from_then_on() -> None:
    """Its deadline was that of somebody who reads too slowly: by that it seemed to have waited for ages."""
    edge = StillEdge()
    edge.send(GET)
    edge.transport.buffered = 100_000
    edge.client.pause_writing()
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    edge.later(edge.limits.write_timeout / 2)
    edge.transport.buffered = 0
    edge.client.resume_writing()
    assert edge.client.waiting_since() == edge.plane.now
    edge.later(edge.limits.idle_timeout - 1)
    assert not edge.transport.is_closing()
    edge.later(2)
    assert edge.transport.is_closed


def test_a_drain_closes_nobody_whose_next_request_was_read_already() -> None:
    """The answer before it promised that it would be looked at."""
    edge = StillEdge()
    edge.client.data_received(GET + GET)
    edge.loop.turn()
    upstream, _ = edge.pool.made[-1]
    upstream.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    edge.plane.is_draining = True
    edge.client.drain()
    edge.loop.turn()
    assert len(edge.gate.requests) == 2
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert edge.got.count(b"ok") == 2
    assert edge.got.count(b"Connection: close") == 1
    assert edge.transport.is_closed
