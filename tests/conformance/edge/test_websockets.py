"""A WebSocket through the edge: the same as without it, owned by its session, bounded in memory and time."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from proxy.edge.handshake import WebSocketRules
from proxy.edge.rules import Limits, UpstreamRules
from tests.fakes.edge import BLOCK, KEY, Edge, Wire, eventually, running_edge, status_of
from tests.fakes.upstream import Conversation, RecordingUpstream

WS_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
PROOF = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + WS_KEY + b"\r\n"
)
AGREED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: " + PROOF + b"\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
)
TICK = 0.02


async def echo(conversation: Conversation) -> None:
    """Agrees, then sends back whatever comes."""
    await conversation.head()
    await conversation.send(AGREED)
    while data := await conversation.read(65536):
        await conversation.send(data)


@contextlib.asynccontextmanager
async def echoing(
    websockets: WebSocketRules | None = None, **limits: float
) -> AsyncIterator[tuple[Edge, RecordingUpstream]]:
    chosen = Limits(tick=TICK, drain_timeout=1.0, **limits)  # type: ignore[arg-type]  # a test's shorthand
    async with (
        RecordingUpstream(echo) as upstream,
        running_edge(upstream.rules(), limits=chosen, websockets=websockets or WebSocketRules()) as edge,
    ):
        yield edge, upstream


async def opened(edge: Edge, early: bytes = b"") -> Wire:
    """A client whose handshake was answered with 101."""
    wire = await edge.wire()
    await wire.send(HANDSHAKE + b"\r\n" + early)
    assert status_of(await wire.until(b"\r\n\r\n")) == 101
    return wire


async def test_the_handshake_crosses_with_the_identity_and_in_our_own_words() -> None:
    async with echoing() as (edge, upstream):
        wire = await edge.wire()
        await wire.send(HANDSHAKE + b"X-Forwarded-User: mallory\r\nCookie: a=1\r\n\r\n")
        head = await wire.until(b"\r\n\r\n")
        seen = upstream.seen[0]
        assert seen.values(b"upgrade") == [b"websocket"]
        assert seen.values(b"connection") == [b"Upgrade"]
        assert seen.values(b"sec-websocket-key") == [WS_KEY]
        assert seen.values(b"x-forwarded-user") == [b"ada"]
        assert BLOCK in seen.head
        assert head.count(b"Upgrade: websocket") == 1
        assert b"Sec-WebSocket-Accept: " + PROOF in head
        assert b"Sec-WebSocket-Protocol: chat" in head


async def test_bytes_cross_both_ways_unchanged_also_those_sent_too_early() -> None:
    async with echoing() as (edge, _):
        wire = await opened(edge, early=b"\x81\x05hello")
        assert await wire.exactly(7) == b"\x81\x05hello"
        blob = bytes(range(256)) * 4096
        sending = asyncio.create_task(wire.send(blob))
        assert await wire.exactly(len(blob)) == blob
        await sending


async def test_what_the_app_sends_with_its_agreement_reaches_the_client() -> None:
    async def talkative(conversation: Conversation) -> None:
        await conversation.head()
        await conversation.send(AGREED + b"\x81\x02hi")
        await conversation.read(1)

    async with RecordingUpstream(talkative) as upstream, running_edge(upstream.rules()) as edge:
        wire = await opened(edge)
        assert await wire.exactly(4) == b"\x81\x02hi"


async def test_when_the_app_closes_the_client_gets_the_last_bytes_and_the_end() -> None:
    async def brief(conversation: Conversation) -> None:
        await conversation.head()
        await conversation.send(AGREED + b"\x88\x02\x03\xe8")
        conversation.close()

    async with RecordingUpstream(brief) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(HANDSHAKE + b"\r\n")
        assert (await wire.rest()).endswith(b"\x88\x02\x03\xe8")
        await eventually(lambda: edge.listener.connections == 0)
        assert [line[2] for line in edge.access.lines] == [101]


async def test_when_the_client_closes_the_app_gets_the_last_bytes_and_the_end() -> None:
    async with echoing() as (edge, upstream):
        wire = await opened(edge)
        await wire.send(b"\x88\x82mask\x6e\x89")
        wire.close()
        await eventually(lambda: upstream.conversations[0].raw.endswith(b"\x88\x82mask\x6e\x89"))
        await eventually(lambda: edge.listener.connections == 0)
        assert edge.reported == []


async def test_the_sessions_end_cuts_its_tunnels_and_no_others() -> None:
    async with echoing() as (edge, _):
        wire = await opened(edge)
        assert edge.listener.sessions_in_flight() == {KEY}, "an open WebSocket is use"
        edge.listener.end_session(type(KEY)("another"))
        await wire.send(b"still here")
        assert await wire.exactly(10) == b"still here"
        edge.listener.end_session(KEY)
        with pytest.raises(ConnectionError):
            await wire.rest()


async def test_a_tunnel_that_carries_nothing_is_closed() -> None:
    async with echoing(websockets=WebSocketRules(idle_timeout=0.1)) as (edge, _):
        wire = await opened(edge)
        with pytest.raises(ConnectionError):
            await wire.rest()


async def test_a_client_that_does_not_read_is_bounded_and_closed() -> None:
    """The app floods; the client never reads: what waits is bounded, and time runs out."""
    sent = 0

    async def flood(conversation: Conversation) -> None:
        nonlocal sent
        await conversation.head()
        await conversation.send(AGREED)
        while True:
            await conversation.send(bytes(65536))
            sent += 65536

    limits = Limits(tick=TICK, drain_timeout=1.0, write_timeout=0.2)
    async with RecordingUpstream(flood) as upstream, running_edge(upstream.rules(), limits=limits) as edge:
        wire = await edge.wire()
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport reads
        await wire.send(HANDSHAKE + b"\r\n")
        await eventually(lambda: edge.listener.connections == 0)
        assert sent < 32 * 2**20


async def test_an_app_that_does_not_read_stops_the_client() -> None:
    async def deaf(conversation: Conversation) -> None:
        await conversation.head()
        await conversation.send(AGREED)
        await asyncio.Event().wait()

    limits = Limits(tick=TICK, drain_timeout=1.0, write_timeout=0.3)
    async with RecordingUpstream(deaf) as upstream, running_edge(upstream.rules(), limits=limits) as edge:
        wire = await opened(edge)
        writing = asyncio.create_task(written_until_cut(wire))
        await eventually(lambda: edge.listener.connections == 0)
        assert await writing < 32 * 2**20


async def written_until_cut(wire: Wire) -> int:
    """How many bytes went out before the connection was cut."""
    written = 0
    with contextlib.suppress(ConnectionError):
        while True:
            wire.writer.write(bytes(65536))
            await wire.writer.drain()
            written += 65536
    return written


@pytest.mark.parametrize(
    "answer",
    [
        AGREED.replace(PROOF, b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        AGREED.replace(b"Sec-WebSocket-Accept", b"X-Other"),
        AGREED.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        AGREED.replace(b"Connection: Upgrade\r\n", b""),
        AGREED.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\nhello"),
    ],
)
async def test_an_agreement_that_proves_nothing_is_a_502(answer: bytes) -> None:
    async def script(conversation: Conversation) -> None:
        await conversation.head()
        await conversation.send(answer)
        await conversation.read(1)

    rules = {"first_byte_timeout": 1.0}
    async with RecordingUpstream(script) as upstream, running_edge(upstream.rules(**rules)) as edge:
        wire = await edge.wire()
        await wire.send(HANDSHAKE + b"\r\n")
        assert status_of(await wire.until(b"\r\n\r\n")) in (502, 504)


async def test_a_refusal_by_the_app_is_an_ordinary_answer() -> None:
    async def refuse(conversation: Conversation) -> None:
        for _ in range(2):
            await conversation.request()
            await conversation.send(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")

    async with RecordingUpstream(refuse) as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        head, body = await wire.exchange(HANDSHAKE + b"\r\n")
        assert (status_of(head), body) == (403, b"no")
        head, body = await wire.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (status_of(head), body) == (403, b"no"), "the connection goes on"


async def test_a_page_of_another_site_is_refused_before_the_app_hears_of_it() -> None:
    async with echoing() as (edge, upstream):
        wire = await edge.wire()
        head, body = await wire.exchange(HANDSHAKE + b"Origin: https://evil.example.net\r\n\r\n")
        assert (status_of(head), body) == (403, b"wrong_origin")
        assert upstream.seen == []
        other = await edge.wire()
        await other.send(HANDSHAKE + b"Origin: http://a\r\n\r\n")
        assert status_of(await other.until(b"\r\n\r\n")) == 101


async def test_switched_off_an_upgrade_goes_on_without_the_upgrade() -> None:
    async def plain(conversation: Conversation) -> None:
        seen = await conversation.request()
        assert seen.values(b"upgrade") == []
        await conversation.send(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")

    async with (
        RecordingUpstream(plain) as upstream,
        running_edge(upstream.rules(), websockets=WebSocketRules(is_enabled=False)) as edge,
    ):
        wire = await edge.wire()
        head, _ = await wire.exchange(HANDSHAKE + b"Origin: https://evil.example.net\r\n\r\n")
        assert status_of(head) == 426


async def test_an_unasked_101_is_a_502() -> None:
    async with echoing() as (edge, _):
        wire = await edge.wire()
        head, _ = await wire.exchange(b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status_of(head) == 502


async def test_shutting_down_waits_for_tunnels_and_then_cuts_them() -> None:
    async with echoing() as (edge, _):
        wire = await opened(edge)
        await edge.listener.drain()
        with pytest.raises(ConnectionError):
            await wire.rest()


# The same client suite, directly and through the edge.


async def _app() -> web.AppRunner:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        answers = web.WebSocketResponse(protocols=("chat",), max_msg_size=0, compress=True)
        await answers.prepare(request)
        async for message in answers:
            if message.type is aiohttp.WSMsgType.TEXT and message.data == "bye":
                await answers.close(code=4001, message=b"as you wish")
            elif message.type is aiohttp.WSMsgType.TEXT:
                await answers.send_str(message.data)
            else:
                await answers.send_bytes(message.data)
        return answers

    application = web.Application()
    application.router.add_get("/ws", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


async def _suite(port: int, compress: int) -> list[object]:
    """What a client meets: texts, blobs of every length class, fragments of a large one, pings, the closing handshake."""
    met: list[object] = []
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(
            f"http://127.0.0.1:{port}/ws", protocols=("chat",), compress=compress, max_msg_size=0
        ) as socket,
    ):
        met.append((socket.protocol, socket.compress))
        for size in (0, 1, 125, 126, 65535, 65536, 3_000_000):
            await socket.send_bytes(b"x" * size)
            met.append(len(await socket.receive_bytes()))
        for text in ("", "ünïcode ✓", json.dumps({"a": 1})):
            await socket.send_str(text)
            met.append(await socket.receive_str())
        await socket.ping(b"there?")
        await socket.send_str("after the ping")
        met.append(await socket.receive_str())
        await socket.send_str("bye")
        end = await socket.receive()
        met.append((end.type, end.data, end.extra, socket.close_code))
    return met


@pytest.mark.parametrize("compress", [0, 15])
async def test_a_client_suite_meets_the_same_through_the_edge_as_without_it(compress: int) -> None:
    runner = await _app()
    try:
        port = int(runner.addresses[0][1])
        async with running_edge(UpstreamRules(host="127.0.0.1", port=port)) as edge:
            assert await _suite(edge.port, compress) == await _suite(port, compress)
    finally:
        await runner.cleanup()
