"""Every limit of the configuration holds in the whole program: the settings lead to the deadlines and sizes that they name."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.program import Muster
from tests.e2e.test_upstreams import configuration, started
from tests.fakes.edge import Wire, fields_of, status_of
from tests.fakes.upstream import OK, Conversation, RecordingUpstream

END = b"Host: a\r\n\r\n"
SECOND = "2s"


async def app(conversation: Conversation) -> None:
    """`/silent` begins no answer, `/stalls` does not end it, `/floods` sends without end; everything else is answered."""
    while True:
        target = (await conversation.request()).line.split(b" ")[1]
        if target == b"/silent":
            await conversation.read(1)
        elif target == b"/stalls":
            await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            await conversation.read(1)
        elif target == b"/floods":
            await conversation.send(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                await conversation.send(bytes(65536))
        else:
            await conversation.send(OK)


@asynccontextmanager
async def limited(folder: Path, limits: dict[str, Any], **upstream: Any) -> AsyncIterator[Muster]:
    async with RecordingUpstream(app) as running:
        to = {"url": f"http://127.0.0.1:{running.port}", **upstream}
        config = configuration(folder, {"/": to})
        muster = await started(folder, {**config, "limits": limits})
        try:
            yield muster
        finally:
            await asyncio.to_thread(muster.child.stop)


class Client(Wire):
    """Closed by its context."""

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def end(self) -> bytes:
        """What came until the end, which may be a reset."""
        got = bytearray()
        try:
            async with asyncio.timeout(20):
                while part := await self.reader.read(65536):
                    got += part
        except ConnectionError:
            pass
        return bytes(got)


async def connected(muster: Muster, *, source: str = "127.0.0.1") -> Client:
    port = muster.ports.public
    return Client(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))


async def said(muster: Muster, data: bytes) -> bytes:
    """Everything that comes back to these bytes, until the end."""
    async with await connected(muster) as client:
        await client.send(data.replace(b"Host: a", f"Host: app.localhost:{muster.ports.public}".encode()))
        return await client.end()


async def unread(muster: Muster) -> bytes:
    """A client that asks for much, and reads it only when it has been cut."""
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", muster.ports.public))
        async with Client(*await asyncio.open_connection(sock=own.dup(), limit=1024)) as client:
            await client.send(
                f"GET /floods HTTP/1.1\r\nHost: app.localhost:{muster.ports.public}\r\n\r\n".encode()
            )
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
            async with asyncio.timeout(20):
                while not any(line.get("path") == "/floods" for line in muster.log()):
                    await asyncio.sleep(0.05)
    return b"cut"


async def test_every_deadline_of_the_configuration_holds(tmp_path: Path) -> None:
    limits = dict.fromkeys(("header_timeout", "body_timeout", "idle_timeout", "write_timeout"), SECOND)
    upstream = dict.fromkeys(("first_byte_timeout", "idle_timeout"), SECOND)
    async with limited(tmp_path, limits, **upstream) as muster:
        post = b"POST /x HTTP/1.1\r\nContent-Length: 9\r\n" + END
        nothing, head, body, kept, silent, stalls, cut = await asyncio.gather(
            said(muster, b""),
            said(muster, b"GET / HTTP/1.1\r\nX: "),
            said(muster, post + b"abc"),
            said(muster, b"GET / HTTP/1.1\r\n" + END),
            said(muster, b"GET /silent HTTP/1.1\r\nConnection: close\r\n" + END),
            said(muster, b"GET /stalls HTTP/1.1\r\n" + END),
            unread(muster),
        )
        assert nothing == b""
        assert (status_of(head), status_of(body), status_of(silent)) == (408, 408, 504)
        assert b"retry-after" in dict(fields_of(silent.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"))
        assert (status_of(kept), kept.endswith(b"ok")) == (200, True)
        assert stalls.endswith(b"\r\n\r\nabc") or stalls == b"", (
            "cut in the middle; a reset may overtake the answer"
        )
        assert cut == b"cut"


async def test_every_size_of_the_configuration_holds(tmp_path: Path) -> None:
    limits = {"header_bytes": "2KiB", "header_count": 10, "body_bytes": "1KiB"}
    long, many = b"X: " + b"x" * 2048 + b"\r\n", b"X: y\r\n" * 10
    post = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n" + END
    chunked = b"POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n" + END
    chunks = b"400\r\n" + b"x" * 1024 + b"\r\n"
    async with limited(tmp_path, limits) as muster:
        for data, status in (
            (b"GET / HTTP/1.1\r\n" + long + END, 431),
            (b"GET / HTTP/1.1\r\n" + many + END, 431),
            (b"GET /" + b"x" * 2048 + b" HTTP/1.1\r\n" + END, 414),
            (post % 1025, 413),
            (post % 1024 + b"x" * 1024, 200),
            (chunked + chunks + b"0\r\n\r\n", 200),
            (chunked + chunks + b"1\r\nx\r\n0\r\n\r\n", 413),
            (b"GET / HTTP/1.1\r\nConnection: close\r\n" + b"X: y\r\n" * 7 + END, 200),
        ):
            assert status_of(await said(muster, data)) == status, data[:40]


async def test_connections_are_counted_in_all_and_for_each_client(tmp_path: Path) -> None:
    """Five for one address, eight in all; what one has no more room for, another may have. All have half a head, for who waits
    without one gives way."""
    limits = {"connections": 8, "connections_per_client": 5, "header_timeout": "120s"}
    async with limited(tmp_path, limits) as muster:
        before = (await muster.figures())["muster_connections_refused_total{}"]
        ask = f"GET / HTTP/1.1\r\nHost: app.localhost:{muster.ports.public}\r\n\r\n".encode()
        wires: list[Client] = []
        async with AsyncExitStack() as held:
            for source, room in (("127.0.0.2", 5), ("127.0.0.3", 3)):
                for _ in range(room):
                    wires.append(await held.enter_async_context(await connected(muster, source=source)))
                    assert (await wires[-1].exchange(ask))[1] == b"ok"
                    await wires[-1].send(b"GET / HTTP/1.1\r\n")
                async with await connected(muster, source=source) as refused:
                    assert await refused.end() == b""
            async with await connected(muster, source="127.0.0.4") as refused:
                assert await refused.end() == b""
            figures = await muster.figures()
            assert figures["muster_connections_refused_total{}"] == before + 3
            assert figures["muster_connections{}"] == 8
            await wires.pop().__aexit__()
            async with asyncio.timeout(20):
                while (await muster.figures())["muster_connections{}"] == 8:
                    await asyncio.sleep(0.05)
            async with await connected(muster, source="127.0.0.4") as again:
                assert (await again.exchange(ask))[1] == b"ok"
