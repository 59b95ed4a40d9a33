"""Connections over time: pipelining, stale keep-alives, deadlines, back-pressure, draining, and the ends of sessions."""

import asyncio
import ipaddress
import resource
import socket

import pytest

from proxy.edge.client import ClientConnection
from proxy.edge.listener import Listener
from proxy.edge.plane import Neighbours
from proxy.edge.room import LEAST
from proxy.edge.rules import Limits, UpstreamRules
from proxy.edge.trust import Trust
from proxy.gate.decision import Deny, Kind, SignIn
from proxy.reasons import Reason
from proxy.session.model import SessionKey
from tests.fakes.edge import (
    COOKIE,
    FIELDS,
    KEY,
    FakeAnswers,
    FakeGate,
    eventually,
    no_own_pages,
    running_edge,
    status_of,
)
from tests.fakes.upstream import OK, Conversation, RecordingUpstream, answer_ok, answering

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
TICK = 0.02


def quick(**changes: float) -> Limits:
    """Limits whose named deadlines are short."""
    return Limits(tick=TICK, drain_timeout=1.0, **changes)  # type: ignore[arg-type]  # a test's shorthand


async def test_pipelined_requests_are_answered_in_order_and_one_at_a_time() -> None:
    seen_at_once: list[int] = []

    async def numbered(conversation: Conversation) -> None:
        while True:
            seen = await conversation.request()
            seen_at_once.append(len(upstream.seen))
            number = seen.line.split(b" ")[1][1:]
            await conversation.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(number), number)
            )

    async with RecordingUpstream(numbered) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(400)))
        for n in range(400):
            assert (await wire.answer())[1] == b"%d" % n
        assert seen_at_once == list(range(1, 401))
        assert len(upstream.conversations) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 5, 17])
async def test_requests_may_come_in_pieces_of_any_size(size: int) -> None:
    data = (
        b"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n"
        b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\nPOST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
        + GET
    )
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        for start in range(0, len(data), size):
            wire.writer.write(data[start : start + size])
            await asyncio.sleep(0)
        for _ in range(4):
            assert (await wire.answer())[1] == b"ok"
        assert [seen.body for seen in upstream.seen] == [b"\r\n\r\n", b"", b"\r\n\r\n", b""]


async def test_a_stale_connection_is_retried_once_on_a_new_one() -> None:
    """The app closed the kept connection just as the request was sent."""
    async with RecordingUpstream(answering(OK)) as upstream, running_edge(upstream.rules()) as edge:

        async def once_then_reset(conversation: Conversation) -> None:
            await conversation.request()
            await conversation.send(OK)
            await conversation.request()
            conversation.reset()

        upstream.script = once_then_reset
        wire = await edge.wire()
        await wire.exchange(GET)
        upstream.script = answer_ok
        assert (await wire.exchange(GET))[1] == b"ok"
        assert edge.listener.figures.retried == 1


async def test_a_request_with_a_body_is_never_sent_twice() -> None:
    async def once_then_reset(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(OK)
        await conversation.request()
        conversation.reset()

    async with RecordingUpstream(once_then_reset) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.exchange(GET)
        head, _ = await wire.exchange(b"POST /once HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
        assert status_of(head) == 502
        assert upstream.raw.count(b"POST /once") == 1


async def test_an_app_that_is_down_is_a_503_with_retry_after() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        rules = UpstreamRules(host="127.0.0.1", port=taken.getsockname()[1])
        async with running_edge(rules) as edge:
            wire = await edge.wire()
            head, body = await wire.exchange(GET)
            assert (status_of(head), body) == (503, b"upstream_unavailable")
            assert b"Retry-After: 2\r\n" in head
            assert status_of((await wire.exchange(GET))[0]) == 503


SLOW = {
    "the first head": (b"GET / HTTP/1.1\r\nHo", 408),
    "a body by length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", 408),
    "a chunked body": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 408),
}


@pytest.mark.parametrize("name", SLOW)
async def test_a_slow_client_gets_a_408_and_the_end(name: str) -> None:
    data, status = SLOW[name]
    limits = quick(header_timeout=0.1, body_timeout=0.1)
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), limits=limits) as edge:
        got = await edge.once(data)
        assert status_of(got) == status
        assert b"Connection: close\r\n" in got


async def test_a_head_that_trickles_is_cut_by_the_deadline_for_the_whole() -> None:
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=quick(header_timeout=0.2)) as edge,
    ):
        wire = await edge.wire()
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        ending = asyncio.create_task(wire.rest())
        while not ending.done():
            await wire.send(b"x")
            await asyncio.sleep(0.01)
        assert status_of(await ending) == 408


async def test_silence_is_closed_without_a_word() -> None:
    limits = quick(header_timeout=0.1, idle_timeout=0.1)
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), limits=limits) as edge:
        assert await edge.once(b"") == b""
        wire = await edge.wire()
        await wire.exchange(GET)
        assert await wire.rest() == b""


async def test_an_app_that_does_not_answer_is_a_504() -> None:
    async def silent(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.read(1)

    async with (
        RecordingUpstream(silent) as upstream,
        running_edge(upstream.rules(first_byte_timeout=0.1)) as edge,
    ):
        wire = await edge.wire()
        head, body = await wire.exchange(GET)
        assert (status_of(head), body) == (504, b"upstream_timeout")


async def test_an_app_that_stops_in_the_middle_cuts_the_client() -> None:
    async def stalling(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        await conversation.read(1)

    async with (
        RecordingUpstream(stalling) as upstream,
        running_edge(upstream.rules(idle_timeout=0.1)) as edge,
    ):
        wire = await edge.wire()
        await wire.send(GET)
        with pytest.raises(ConnectionError):
            await wire.rest()


async def test_an_app_that_does_not_read_is_a_504() -> None:
    async def deaf(conversation: Conversation) -> None:
        await conversation.head()
        await asyncio.sleep(5)

    async with RecordingUpstream(deaf) as upstream, running_edge(upstream.rules(idle_timeout=0.2)) as edge:
        wire = await edge.wire()
        sending = asyncio.create_task(
            wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n" + bytes(30_000_000))
        )
        assert status_of(await wire.until(b"\r\n\r\n")) == 504
        sending.cancel()


class Flood:
    """An app that answers with `size` bytes, and counts what left it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.sent = 0

    async def __call__(self, conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.size)
        while self.sent < self.size:
            await conversation.send(bytes(65536))
            self.sent += 65536


async def test_a_slow_reader_holds_the_app_back_and_memory_stays_bounded() -> None:
    flood = Flood(256 * 2**20)
    async with RecordingUpstream(flood) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        await wire.until(b"\r\n\r\n")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await asyncio.sleep(0.5)
        # Socket buffers, ours and this client's: far from 256 MiB.
        assert flood.sent < 64 * 2**20
        got = 0
        while got < 64 * 2**20:
            got += len(await wire.reader.read(2**20))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert after - before < 32 * 1024


async def test_a_reader_that_takes_nothing_is_cut() -> None:
    flood = Flood(256 * 2**20)
    async with (
        RecordingUpstream(flood) as upstream,
        running_edge(upstream.rules(), limits=quick(write_timeout=0.3)) as edge,
    ):
        wire = await edge.wire()
        await wire.send(GET)
        await wire.until(b"\r\n\r\n")
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
        await eventually(lambda: edge.listener.connections == 0, within=10)
        assert edge.access.lines[0][2] == 200


async def test_big_bodies_go_up_and_arrive_whole() -> None:
    body = bytes(range(256)) * 4096 * 8
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert (await wire.answer())[1] == b"ok"
        chunked = b"".join(
            b"%x\r\n%b\r\n" % (50_000, body[i : i + 50_000]) for i in range(0, 5_000_000, 50_000)
        )
        await wire.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked + b"0\r\n\r\n"
        )
        assert (await wire.answer())[1] == b"ok"
        assert upstream.seen[0].body == body
        assert upstream.seen[1].body == body[:5_000_000]


LARGE = {
    "one huge value": (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000),
    "a huge target": (414, b"GET /" + b"a" * 40_000),
    "many fields": (431, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 101 + b"\r\n"),
}


@pytest.mark.parametrize("name", LARGE)
async def test_a_head_beyond_the_limits_is_a_431_or_a_414(name: str) -> None:
    status, data = LARGE[name]
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        assert status_of(await edge.once(data)) == status
        assert upstream.raw == b""


async def test_a_body_beyond_the_limit_is_a_413() -> None:
    limits = quick(body_bytes=10)
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), limits=limits) as edge:
        announced = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"
        assert status_of(await edge.once(announced)) == 413
        assert upstream.raw == b""
        chunked = (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n"
        )
        assert status_of(await edge.once(chunked)) == 413
        assert b"hello world" not in upstream.raw
        wire = await edge.wire()
        exact = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789"
        assert (await wire.exchange(exact))[1] == b"ok"


async def test_connections_beyond_the_limit_are_refused_while_all_are_at_work() -> None:
    gate = FakeGate(slow=True)
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=quick(connections=1), gate=gate) as edge,
    ):
        wire = await edge.wire()
        await wire.send(GET)
        await eventually(lambda: edge.listener.in_flight == 1)
        second = await edge.wire()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await second.exchange(GET)
        assert edge.listener.figures.refused_connections == 1
        gate.released.set()
        assert (await wire.answer())[1] == b"ok"


def waits_long_enough(client: ClientConnection) -> bool:
    """Whether it has asked nothing for long enough to give way, by the clock that counts."""
    since = client.waiting_since()
    return since is not None and client._plane.now - since >= LEAST


async def test_whoever_only_keeps_a_connection_gives_way_to_who_comes() -> None:
    """Else a client with many idle ones, or many that never asked, would keep everybody out."""
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=quick(connections=2, header_timeout=30.0)) as edge,
    ):
        idle, silent = await edge.wire(), await edge.wire()
        await idle.exchange(GET)
        plane = edge.listener._plane
        assert plane is not None
        await eventually(lambda: len(plane.clients) == 2 and all(map(waits_long_enough, plane.clients)))
        for _ in range(2):
            wire = await edge.wire()
            assert (await wire.exchange(GET))[1] == b"ok"
            assert edge.listener.connections <= 2
        assert await idle.rest() == b""
        assert await silent.rest() == b""
        assert edge.listener.figures.refused_connections == 0


async def test_one_client_has_no_more_connections_than_it_may() -> None:
    limits = quick(connections_per_client=2)
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), limits=limits) as edge:
        first, second = await edge.wire(), await edge.wire()
        for wire in (first, second):
            await wire.exchange(GET)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await (await edge.wire()).exchange(GET)
        assert edge.listener.figures.refused_connections == 1
        first.close()
        await eventually(lambda: edge.listener.connections == 1)
        assert (await (await edge.wire()).exchange(GET))[1] == b"ok"


async def test_a_trusted_proxy_may_have_as_many_as_it_likes_and_its_clients_are_counted_by_the_preamble() -> (
    None
):
    trust = Trust([ipaddress.ip_network("127.0.0.0/8")])
    limits = quick(connections_per_client=1)
    async with RecordingUpstream() as upstream:
        async with running_edge(upstream.rules(), limits=limits, trust=trust) as edge:
            for _ in range(3):
                assert (await (await edge.wire()).exchange(GET))[1] == b"ok"
        async with running_edge(upstream.rules(), limits=limits, trust=trust, expects_preamble=True) as edge:
            named = b"PROXY TCP4 192.0.2.%d 192.0.2.9 1 2\r\n" + GET
            for number in (1, 2):
                assert (await (await edge.wire()).exchange(named % number))[1] == b"ok"
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await (await edge.wire()).exchange(named % 1)


async def test_a_body_that_drips_is_closed_like_one_that_stopped() -> None:
    limits = quick(body_timeout=0.3, min_rate=1_000_000)
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), limits=limits) as edge:
        wire = await edge.wire()
        await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n")
        ending = asyncio.create_task(wire.rest())
        while not ending.done():
            await wire.send(b"x")
            await asyncio.sleep(0.01)
        assert status_of(await ending) == 408


async def test_a_refused_request_without_a_body_keeps_the_connection() -> None:
    gate = FakeGate(verdict=SignIn(reason=Reason.NOT_SIGNED_IN, kind=Kind.SCRIPT))
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), gate=gate) as edge:
        wire = await edge.wire()
        assert status_of((await wire.exchange(GET))[0]) == 401
        gate.verdict = Deny(status=403, reason=Reason.NOT_INVITED, kind=Kind.SCRIPT)
        assert (await wire.exchange(GET))[1] == b"not_invited"
        await wire.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"Content-Length: 11\r\n" in await wire.until(b"\r\n\r\n")
        await wire.exchange(GET)
        head, _ = await wire.exchange(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n")
        assert b"Connection: close\r\n" in head
        assert upstream.raw == b""


async def test_a_gate_that_needs_time_holds_the_body_back() -> None:
    gate = FakeGate(slow=True)
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), gate=gate) as edge:
        wire = await edge.wire()
        await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + GET)
        await eventually(lambda: len(gate.requests) == 1)
        assert upstream.raw == b""
        gate.released.set()
        assert (await wire.answer())[1] == b"ok"
        assert (await wire.answer())[1] == b"ok"
        assert upstream.seen[0].body == b"abc"


async def test_a_client_that_goes_away_cancels_its_own_waiting() -> None:
    gate = FakeGate(slow=True)
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), gate=gate) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        await eventually(lambda: len(gate.requests) == 1)
        wire.close()
        await eventually(lambda: gate.was_cancelled)
        assert upstream.raw == b""
        assert edge.listener.figures.aborted == 1


async def test_a_client_that_goes_away_in_an_answer_closes_the_apps_connection() -> None:
    ended = asyncio.Event()

    async def stream(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        assert await conversation.read(1) == b""
        ended.set()

    async with RecordingUpstream(stream) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        await wire.until(b"a\r\n")
        wire.close()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_the_end_of_a_session_cuts_its_running_streams_and_no_other() -> None:
    async def stream(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await conversation.read(1)

    async with RecordingUpstream(stream) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        await wire.until(b"a\r\n")
        edge.listener.end_session(SessionKey("somebody else's"))
        assert edge.listener.in_flight == 1
        assert edge.listener.sessions_in_flight() == {KEY}
        edge.listener.end_session(KEY)
        with pytest.raises(ConnectionError):
            await wire.rest()
        await eventually(lambda: edge.listener.in_flight == 0)


async def test_our_own_fault_is_a_500_with_an_id_and_the_listener_lives_on() -> None:
    gate = FakeGate(error=ZeroDivisionError("secret detail"))
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), gate=gate) as edge:
        wire = await edge.wire()
        head, body = await wire.exchange(GET)
        assert (status_of(head), body) == (500, b"internal_error incident-1")
        assert isinstance(edge.reported[0], ZeroDivisionError)
        gate.error = None
        assert (await wire.exchange(GET))[1] == b"ok"


async def test_draining_ends_idle_connections_lets_running_ones_finish_and_cuts_the_rest() -> None:
    release = asyncio.Event()

    async def slow(conversation: Conversation) -> None:
        seen = await conversation.request()
        if b"/never" not in seen.line:
            await release.wait()
            await conversation.send(OK)
        await conversation.read(1)

    async with RecordingUpstream(slow) as upstream, running_edge(upstream.rules()) as edge:
        idle, busy, stuck = [await edge.wire() for _ in range(3)]
        await busy.send(GET)
        await stuck.send(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        await eventually(lambda: len(upstream.seen) == 2)
        draining = asyncio.create_task(edge.listener.drain())
        assert await idle.rest() == b""
        with pytest.raises(OSError, match=r"."):
            await edge.wire()
        release.set()
        head, body = await busy.answer()
        assert body == b"ok"
        assert b"Connection: close\r\n" in head
        with pytest.raises(ConnectionError):
            await stuck.rest()
        await draining


async def _own_pages(answer: bytes, seen: bytearray) -> tuple[socket.socket, "asyncio.Task[None]"]:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)

    async def serve() -> None:
        seen.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    return ours, asyncio.create_task(serve())


async def test_own_pages_get_our_cookies_the_peer_and_the_scheme_and_may_set_our_cookie() -> None:
    seen = bytearray()
    tasks = []
    cookie = COOKIE.encode() + b"=new; Path=/"

    async def connect_own() -> socket.socket:
        answer = (
            b"HTTP/1.1 303 See Other\r\nSet-Cookie: "
            + cookie
            + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        ours, task = await _own_pages(answer, seen)
        tasks.append(task)
        return ours

    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), connect_own=connect_own) as edge,
    ):
        wire = await edge.wire()
        sent = (
            b"GET /_muster/profile HTTP/1.1\r\nHost: a\r\nCookie: "
            + COOKIE.encode()
            + b"=old\r\nX_Muster_Peer: evil\r\n\r\n"
        )
        for _ in range(2):
            head, _ = await wire.exchange(sent)
            assert b"Set-Cookie: " + cookie in head
            assert b"Connection" not in head
        assert len(tasks) == 2
        assert b"Cookie: " + COOKIE.encode() + b"=old\r\n" in seen
        assert b"X-Muster-Peer: 127.0.0.1\r\nX-Muster-Scheme: http\r\n" in seen
        assert b"evil" not in seen
        assert b"X-Forwarded-User" not in seen
        assert upstream.raw == b""


async def test_no_task_is_made_for_a_request_on_the_fast_path() -> None:
    """With the session known and a kept connection, an exchange is plain calls."""
    made: list[object] = []
    loop = asyncio.get_running_loop()

    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.exchange(GET)

        def counting(
            loop: asyncio.AbstractEventLoop, coroutine: object, **rest: object
        ) -> "asyncio.Task[object]":
            made.append(coroutine)
            return asyncio.Task(coroutine, loop=loop, **rest)  # type: ignore[arg-type]

        wire.writer.write(GET)
        loop.set_task_factory(counting)  # type: ignore[arg-type]
        try:
            for _ in range(20):
                wire.writer.write(GET)
            got = b""
            while got.count(b"200 OK") < 21:
                got += await wire.reader.read(65536)
        finally:
            loop.set_task_factory(None)
        assert made == []
        assert edge.listener.figures.upstream_connections == 1
        assert edge.listener.figures.admitted == 22


async def test_the_access_log_gets_one_fact_per_exchange() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.exchange(b"GET /a?secret=1 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert edge.access.lines == [("127.0.0.1", b"/a", 200, 2, KEY)]


async def test_a_listener_that_never_started_has_nothing_to_show_or_drain() -> None:
    async with RecordingUpstream() as upstream:
        neighbours = Neighbours(
            gate=FakeGate(), answers=FakeAnswers(), connect_own=no_own_pages, access=None, report=repr
        )
        listener = Listener(neighbours, upstream=upstream.rules(), fields=FIELDS)
        listener.end_session(KEY)
        await listener.drain()
        assert listener.sessions_in_flight() == frozenset()
        assert (listener.connections, listener.in_flight, listener.figures.admitted) == (0, 0, 0)
