"""A client suite of WebSocket frames, played to an app directly and through the whole program: the results must be the same.

Muster tunnels frames and never reads one: what the app says about right and wrong ones must come through byte for byte.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from aiohttp import WSMsgType, web

from tests.e2e.frames import Case, cases
from tests.e2e.program import HOST
from tests.e2e.test_websockets import alice_signed_in

AT_ONCE = 8
SECONDS = 60.0
OURS = re.compile(rb"(?i)(connection|upgrade|date|server|sec-websocket-[a-z]+): *([^\r]*)")


class Result(NamedTuple):
    """What a client of one case got: the status line, the fields that matter, and every byte after the head until the end."""

    status: bytes
    fields: dict[bytes, bytes]
    heard: bytes


@asynccontextmanager
async def any_echo() -> AsyncIterator[int]:
    """An app that sends every message back as it came, packed where the client can unpack, and speaks `chat`."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        answers = web.WebSocketResponse(max_msg_size=0, protocols=("chat",))
        await answers.prepare(request)
        async for message in answers:
            if message.type is WSMsgType.TEXT:
                await answers.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await answers.send_bytes(message.data)
        return answers

    application = web.Application()
    application.router.add_get("/ws", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def handshake(case: Case, lines: bytes) -> bytes:
    """The opening of a case, with the lines that the way demands."""
    offered = b"".join(
        b"Sec-WebSocket-%b: %b\r\n" % (name, value)
        for name, value in ((b"Extensions", case.extensions), (b"Protocol", case.protocols))
        if value is not None
    )
    return (
        b"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + offered + lines + b"\r\n"
    )


async def played(case: Case, port: int, lines: bytes) -> Result:
    """One case from the handshake to the end of the connection."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(handshake(case, lines))
            head = await reader.readuntil(b"\r\n\r\n")
            async with asyncio.TaskGroup() as talking:
                talking.create_task(_say(writer, case.sent))
                heard = await _until_the_end(reader)
        finally:
            writer.transport.abort()
    fields = {name.lower(): value.lower() for name, value in OURS.findall(head)}
    for theirs in (b"date", b"server"):
        fields.pop(theirs, None)
    return Result(status=head.partition(b"\r\n")[0], fields=fields, heard=heard)


async def _say(writer: asyncio.StreamWriter, pieces: tuple[bytes, ...]) -> None:
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass  # a wrong frame ended it


async def _until_the_end(reader: asyncio.StreamReader) -> bytes:
    heard = bytearray()
    try:
        while part := await reader.read(2**16):
            heard += part
    except ConnectionError:
        pass  # closed while something of ours was still unread
    return bytes(heard)


async def suite(port: int, lines: bytes) -> dict[str, Result]:
    """Every case's result, by its name."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Result:
        async with gate:
            return await played(case, port, lines)

    async with asyncio.TaskGroup() as playing:
        tasks = {case.name: playing.create_task(one(case)) for case in cases()}
    return {name: task.result() for name, task in tasks.items()}


async def test_a_client_suite_has_the_same_results_through_muster_as_directly(tmp_path: Path) -> None:
    async with any_echo() as app, alice_signed_in(tmp_path, app) as (muster, _, _, cookie):
        lines = f"Host: {HOST}:{muster.ports.public}\r\nCookie: __Host-muster={cookie}\r\n".encode()
        directly = await suite(app, b"Host: 127.0.0.1\r\n")
        through = await suite(muster.ports.public, lines)
    assert [name for name in directly if directly[name] != through[name]] == []
    assert len(directly) > 100
    assert len({result.heard for result in directly.values()}) > 40
    assert all(result.status.startswith(b"HTTP/1.1 101 ") for result in through.values())


def test_the_suite_tells_one_case_from_another() -> None:
    names = [case.name for case in cases()]
    assert len(names) == len(set(names))
