"""The end of a listener that loses no request: who asks while it drains is answered, and told that this was the last time.

The peers differ: nginx closed quiet connections at once until `keepalive_min_timeout` (1.27.4), HAProxy does unless
`option idle-close-on-response`, Envoy answers for `--drain-time-s`.
"""

import asyncio
import math
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.edge.rules import Limits
from tests.fakes.certificates import Authority
from tests.fakes.edge import Edge, Wire, eventually, running_edge
from tests.fakes.upstream import Conversation, RecordingUpstream

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
PATIENT = Limits(tick=0.02, drain_timeout=60.0)


@asynccontextmanager
async def draining(edge: Edge, quiet: list[float]) -> AsyncIterator["asyncio.Task[None]"]:
    """The listener drains; `quiet[0]` is until when connections without a request stay open."""
    task = asyncio.create_task(edge.listener.drain(lambda: quiet[0]))
    try:
        yield task
    finally:
        quiet[0] = 0.0
        await task


async def test_a_request_on_its_way_while_draining_is_answered_and_told_to_close() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), limits=PATIENT) as edge:
        kept, new = await edge.wire(), await edge.wire()
        assert b"Connection" not in (await kept.exchange(GET))[0]
        async with draining(edge, [math.inf]) as drain:
            await eventually(lambda: not edge.listener.is_accepting)
            for wire in (kept, new):
                head, body = await wire.exchange(GET)
                assert (body, b"Connection: close\r\n" in head) == (b"ok", True)
                assert await wire.rest() == b""
            await asyncio.wait_for(drain, 20)  # nobody is left to wait for


async def test_quiet_connections_close_when_their_time_is_over() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), limits=PATIENT) as edge:
        wire = await edge.wire()
        await wire.exchange(GET)
        async with draining(edge, quiet := [math.inf]):
            await eventually(lambda: not edge.listener.is_accepting)
            assert not wire.reader.at_eof()
            quiet[0] = 0.0
            assert await wire.rest() == b""


async def test_an_answer_that_began_before_the_drain_promised_one_more_request() -> None:
    """Its head did not say `Connection: close`: to close after it would meet the next request on its way."""
    release = asyncio.Event()

    async def slow(conversation: Conversation) -> None:
        for _ in range(2):
            await conversation.request()
            await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
            await release.wait()
            await conversation.send(b"k")

    async with RecordingUpstream(slow) as upstream, running_edge(upstream.rules(), limits=PATIENT) as edge:
        wire = await edge.wire()
        await wire.send(GET)
        head = await wire.until(b"\r\n\r\no")
        assert b"Connection" not in head
        async with draining(edge, [math.inf]):
            await eventually(lambda: not edge.listener.is_accepting)
            release.set()
            assert await wire.exactly(1) == b"k"
            head, body = await wire.exchange(GET)
            assert (body, b"Connection: close\r\n" in head) == (b"ok", True)


async def test_who_waits_to_be_accepted_when_the_drain_begins_is_answered() -> None:
    async with RecordingUpstream() as upstream, running_edge(upstream.rules(), limits=PATIENT) as edge:
        # Connected by the kernel, and in its queue until the loop comes round.
        waiting = [socket.create_connection(("127.0.0.1", edge.port)) for _ in range(5)]
        async with draining(edge, [math.inf]):
            for own in waiting:
                own.setblocking(False)
                wire = Wire(*await asyncio.open_connection(sock=own))
                edge.wires.append(wire)
                assert (await wire.exchange(GET))[1] == b"ok"


async def test_who_is_in_the_tls_handshake_when_the_drain_begins_is_answered(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("a", hosts=("localhost",))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.cert, pair.key)
    trusting = ssl.create_default_context(cafile=authority.ca_file)
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=PATIENT, tls=context) as edge,
    ):
        shaking = socket.create_connection(("127.0.0.1", edge.port))
        async with draining(edge, [math.inf]) as drain:
            await eventually(lambda: not edge.listener.is_accepting)
            assert not drain.done()
            shaking.setblocking(False)
            streams = await asyncio.open_connection(
                sock=shaking, ssl=trusting, server_hostname="localhost", ssl_handshake_timeout=10
            )
            edge.wires.append(wire := Wire(*streams))
            head, body = await wire.exchange(GET)
            assert (body, b"Connection: close\r\n" in head) == (b"ok", True)
            await asyncio.wait_for(drain, 20)


async def test_a_handshake_that_comes_to_nothing_holds_no_drain_for_long(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("a", hosts=("localhost",))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.cert, pair.key)
    limits = Limits(tick=0.02, drain_timeout=60.0, header_timeout=0.3)
    async with (
        RecordingUpstream() as upstream,
        running_edge(upstream.rules(), limits=limits, tls=context) as edge,
    ):
        with socket.create_connection(("127.0.0.1", edge.port)):
            async with draining(edge, [math.inf]) as drain:
                await asyncio.wait_for(drain, 20)
