"""One exchange, step by step, without a socket."""

import pytest

from proxy.gate.decision import Deny, Kind
from proxy.reasons import Reason
from tests.fakes.edge import KEY, FakeGate
from tests.fakes.still import StillEdge

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_whole_exchange_is_counted_logged_and_leaves_a_kept_connection() -> None:
    edge = StillEdge()
    edge.send(GET)
    dated = OK.replace(b"\r\n\r\n", b"\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n")
    edge.answer(dated)
    assert sorted(edge.got.split(b"\r\n")) == sorted(dated.split(b"\r\n"))
    assert edge.access.lines == [("192.0.2.1", b"/", 200, 2, KEY)]
    assert (edge.plane.figures.admitted, edge.plane.figures.bytes_out) == (1, 2)
    assert edge.pool.take(edge.loop.now, is_repeatable=True) is edge.pool.made[0][0]


def test_no_task_is_made_when_the_gate_knows_and_a_connection_is_there() -> None:
    edge = StillEdge()
    edge.send(GET)
    edge.answer(OK)
    assert edge.loop.tasks == []


def test_a_gate_that_must_wait_is_asked_in_a_task_and_no_deadline_runs() -> None:
    edge = StillEdge(gate=FakeGate(slow=True))
    edge.send(GET)
    assert len(edge.loop.tasks) == 1
    edge.later(10_000.0)
    assert edge.got == b""


def test_an_answer_of_ours_keeps_the_connection_only_when_the_request_was_read() -> None:
    edge = StillEdge(gate=FakeGate(verdict=Deny(status=403, reason=Reason.NOT_INVITED, kind=Kind.SCRIPT)))
    edge.send(GET)
    assert b"Connection" not in edge.got
    edge.send(POST)
    assert edge.got.count(b"HTTP/1.1 403") == 2
    assert b"Connection: close\r\n" in edge.got
    assert edge.pool.made == []


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_connection_lost_before_the_answer_is_a_502(head: bytes) -> None:
    edge = StillEdge()
    edge.send(GET)
    if head:
        edge.answer(head)
    edge.pool.made[0][0].connection_lost(None)
    assert edge.got.startswith(b"HTTP/1.1 502 ")
    assert edge.plane.figures.upstream_failures == 1


def test_a_connection_lost_in_the_answer_cuts_the_client() -> None:
    edge = StillEdge()
    edge.send(GET)
    edge.answer(OK[:-1])
    upstream = edge.pool.made[0][0]
    upstream.eof_received()
    upstream.connection_lost(None)
    assert edge.transport.is_aborted


def test_an_answer_without_an_announced_end_ends_with_a_clean_close_only() -> None:
    for error, is_clean in ((None, True), (ConnectionResetError(), False)):
        edge = StillEdge()
        edge.send(GET)
        edge.answer(b"HTTP/1.1 200 OK\r\n\r\nabc")
        upstream = edge.pool.made[0][0]
        upstream.eof_received()
        upstream.connection_lost(error)
        assert edge.got.endswith(b"3\r\nabc\r\n0\r\n\r\n") is is_clean
        assert edge.transport.is_aborted is not is_clean


def test_a_kept_connection_that_was_lost_is_replaced_once() -> None:
    edge = StillEdge()
    edge.send(GET)
    edge.answer(OK)
    edge.send(GET)
    edge.pool.made[0][0].connection_lost(None)
    assert edge.plane.figures.retried == 1
    assert len(edge.loop.tasks) == 1
    assert edge.got.count(b"HTTP/1.1") == 1


def test_an_app_that_answers_before_the_body_is_read_costs_both_connections() -> None:
    edge = StillEdge()
    edge.send(POST)
    edge.answer(OK)
    assert b"Connection: close\r\n" in edge.got
    assert edge.transport.is_eof
    assert edge.pool.made[0][1].is_aborted


def test_a_connection_on_which_a_body_still_waits_to_be_written_serves_nobody_else() -> None:
    """The app answered before it took the body that we have whole."""
    edge = StillEdge()
    edge.send(POST)
    upstream, transport = edge.pool.made[0]
    upstream.pause_writing()
    edge.send(b"abc")
    upstream.resume_writing()
    edge.send(b"")
    upstream.pause_writing()
    edge.answer(OK)
    assert edge.got.endswith(b"ok")
    assert transport.is_aborted
    assert edge.pool.take(edge.loop.now, is_repeatable=True) is not upstream


def test_a_client_that_goes_away_takes_the_apps_connection_along() -> None:
    edge = StillEdge()
    edge.send(GET)
    edge.client.connection_lost(None)
    assert edge.pool.made[0][1].is_aborted
    assert edge.plane.figures.aborted == 1
    assert edge.plane.clients == set()


def test_the_end_of_a_session_aborts_at_once() -> None:
    edge = StillEdge()
    edge.send(GET)
    edge.client.end_session("another")
    assert not edge.transport.is_aborted
    edge.client.end_session(KEY)
    assert edge.transport.is_aborted
    assert edge.pool.made[0][1].is_aborted


def test_a_fault_while_deciding_is_a_500_with_an_id() -> None:
    edge = StillEdge(gate=FakeGate(error=KeyError("secret")))
    edge.send(GET)
    assert edge.got.startswith(b"HTTP/1.1 500 ")
    assert edge.got.endswith(b"internal_error incident")
    assert b"secret" not in edge.got


def test_an_answer_without_a_date_gets_one_also_when_its_head_is_known() -> None:
    edge = StillEdge()
    for _ in range(3):
        edge.send(GET)
        edge.answer(OK)
    assert edge.got.count(b"Date: %b\r\n" % edge.plane.date) == 3
    edge.plane.date = b"Sun, 06 Nov 1994 08:49:37 GMT"
    edge.send(GET)
    edge.answer(OK)
    assert edge.got.count(b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n") == 1


def test_a_connection_held_back_for_one_client_serves_the_next() -> None:
    """The answer's last part filled the client's buffer: the app's connection is read again by whoever has it next."""
    edge = StillEdge()
    edge.send(GET)
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
    edge.client.pause_writing()
    app = edge.pool.made[0][1]
    assert app.is_paused
    edge.answer(b"def")
    assert not app.is_paused


def test_a_client_that_reads_no_answers_gets_no_further_ones() -> None:
    edge = StillEdge()
    edge.send(GET)
    edge.answer(OK)
    edge.client.pause_writing()
    edge.send(GET, GET)
    assert len(edge.gate.requests) == 1
    assert edge.transport.is_paused
    edge.client.resume_writing()
    edge.answer(OK)
    edge.answer(OK)
    assert len(edge.gate.requests) == 3
    assert not edge.transport.is_paused


def test_a_client_that_stops_reading_after_an_answer_is_closed_as_a_slow_reader() -> None:
    edge = StillEdge()
    edge.send(GET)
    edge.client.pause_writing()
    edge.answer(OK)
    edge.later(edge.limits.write_timeout + 1)
    assert edge.transport.is_over
