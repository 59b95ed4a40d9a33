"""An app that keeps every byte it gets, and plays a script: what a proxy sent is judged as raw bytes."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

from proxy.edge.rules import UpstreamRules

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Seen:
    """One request as it came: its raw head, and its body without chunk framing."""

    head: bytes
    body: bytes = b""

    @property
    def line(self) -> bytes:
        """The request line."""
        return self.head.split(b"\r\n", 1)[0]

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """Names in lower case, and values."""
        lines = self.head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]
        pairs = (line.partition(b": ") for line in lines)
        return [(name.lower(), value) for name, _, value in pairs]

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a field."""
        return [value for own, value in self.fields if own == name]


class Conversation:
    """One connection, from the app's side."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: "RecordingUpstream"
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._upstream = upstream
        self.raw = bytearray()

    async def read(self, size: int) -> bytes:
        """Up to `size` bytes, kept; empty at the end."""
        got = await self._reader.read(size)
        self.raw += got
        return got

    async def _exactly(self, size: int) -> bytes:
        got = await self._reader.readexactly(size)
        self.raw += got
        return got

    async def _until(self, mark: bytes) -> bytes:
        got = await self._reader.readuntil(mark)
        self.raw += got
        return got

    async def head(self) -> Seen:
        """The next request's head; IncompleteReadError when the proxy closed."""
        seen = Seen(await self._until(b"\r\n\r\n"))
        self._upstream.seen.append(seen)
        return seen

    async def request(self) -> Seen:
        """The next request, with its body."""
        seen = await self.head()
        await self.body(seen)
        return seen

    async def body(self, seen: Seen) -> None:
        """Reads the body that a head announced."""
        lengths = seen.values(b"content-length")
        if lengths:
            seen.body = await self._exactly(int(lengths[0]))
        elif seen.values(b"transfer-encoding"):
            while size := int(await self._until(b"\r\n"), 16):
                seen.body += (await self._exactly(size + 2))[:-2]
            await self._until(b"\r\n")

    async def send(self, data: bytes) -> None:
        """Writes and waits until the proxy took it."""
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """A clean end of the app's side."""
        self._writer.close()

    def reset(self) -> None:
        """A hard end."""
        self._writer.transport.abort()


Script = Callable[[Conversation], Awaitable[None]]


async def answer_ok(conversation: Conversation) -> None:
    """Two bytes for every request, for as long as the connection lasts."""
    while True:
        await conversation.request()
        await conversation.send(OK)


def answering(*answers: bytes) -> Script:
    """A script: the first request on a connection gets the first answer, and so on; then the app closes."""

    async def script(conversation: Conversation) -> None:
        for answer in answers:
            await conversation.request()
            await conversation.send(answer)
        conversation.close()

    return script


@dataclass
class RecordingUpstream:
    """`async with RecordingUpstream(script) as upstream`; `seen` in order of arrival, `conversations` each with its raw bytes."""

    script: Script = answer_ok
    seen: list[Seen] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    port: int = 0
    tls: ssl.SSLContext | None = None
    path: str | None = None
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set["asyncio.Task[None] | None"] = field(default_factory=set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation(reader, writer, self)
        self.conversations.append(conversation)
        self._writers.add(writer)
        task = asyncio.current_task()
        self._tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await self.script(conversation)
        writer.close()
        self._tasks.discard(task)

    async def __aenter__(self) -> Self:
        if self.path is not None:
            self._server = await asyncio.start_unix_server(self._serve, self.path)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            if task is not None:
                task.cancel()
        for writer in self._writers:
            writer.transport.abort()
        while self._tasks:
            await asyncio.sleep(0)

    @property
    def raw(self) -> bytes:
        """Every byte that reached the app."""
        return b"".join(bytes(conversation.raw) for conversation in self.conversations)

    def rules(self, **changes: object) -> UpstreamRules:
        """Rules that lead here."""
        return UpstreamRules(host="127.0.0.1", port=self.port, socket_path=self.path, **changes)  # type: ignore[arg-type]  # a test's shorthand
