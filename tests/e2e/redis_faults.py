"""What befalls a Redis server and the network before it, one fault each, for as long as a block lasts.

`Wire` stands between Muster and a real server and passes on what it is told to; other faults happen in the server itself.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from tests.fakes.processes import free_port
from tests.partners.redis_servers import HOST, PASSWORD, RIGHTS, RedisServer

CHUNK = 65536
LATE = 2.0
USER = "muster"
CREATED = ["reset", "on", f">{PASSWORD}", "~{muster}:*", *RIGHTS.split()]
"""The rules of Muster's ACL user, as docs/operations.md gives them."""


class Wire:
    """A listener that passes on to a server's unix socket.

    `questions` and `answers` are what passed, in pieces. `late` is how many seconds an answer takes; `is_torn` sends half of
    each answer and resets the connection; `is_swallowing` takes what both sides say and passes on nothing, and
    `swallow_those_open` does that to the connections that are open now.
    """

    def __init__(self, socket_path: str) -> None:
        self.late = 0.0
        self.is_torn = False
        self.is_swallowing = False
        self.questions: list[bytes] = []
        self.answers: list[bytes] = []
        self.port = 0
        self._held: Held | None = None
        self._socket_path = socket_path
        self._open: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def swallow_those_open(self) -> int:
        """From now on nothing comes through the connections that are open; others pass. How many they are."""
        for line in self._open:
            line.is_swallowing = True
        return len(self._open)

    def hold_answer_to(self, words: bytes) -> "Held":
        """The answer to the next question with these words waits until it is released."""
        self._held = Held(words=words)
        return self._held

    def questions_with(self, words: bytes) -> int:
        return sum(words in piece for piece in self.questions)

    def answers_with(self, words: bytes) -> int:
        return sum(words in piece for piece in self.answers)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        line = _Line()
        self._open.add(line)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._between(line, reader, writer)
        finally:
            self._open.discard(line)
            self._tasks.discard(task)
            _reset(writer)

    async def _between(
        self, line: "_Line", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        answers, onward = await asyncio.open_unix_connection(self._socket_path)
        pumps = [
            asyncio.create_task(self._questions(line, reader, onward)),
            asyncio.create_task(self._answers(line, answers, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            onward.transport.abort()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _questions(
        self, line: "_Line", reader: asyncio.StreamReader, onward: asyncio.StreamWriter
    ) -> None:
        while piece := await reader.read(CHUNK):
            if self._held is not None and self._held.words in piece:
                line.held, self._held = self._held, None
            if not self._is_swallowed(line):
                self.questions.append(piece)
                onward.write(piece)
                await onward.drain()

    async def _answers(
        self, line: "_Line", answers: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while piece := await answers.read(CHUNK):
            await asyncio.sleep(self.late)
            held, line.held = line.held, None
            if held is not None:
                await held.wait()
            if self._is_swallowed(line):
                continue
            if self.is_torn:
                writer.write(piece[: len(piece) // 2])
                await writer.drain()
                return
            self.answers.append(piece)
            writer.write(piece)
            await writer.drain()

    def _is_swallowed(self, line: "_Line") -> bool:
        return self.is_swallowing or line.is_swallowing


@dataclass(slots=True, eq=False)
class _Line:
    """One connection through the wire, and what holds back its next answer."""

    is_swallowing: bool = False
    held: "Held | None" = None


@dataclass(slots=True, kw_only=True, eq=False)
class Held:
    """An answer that waits; `words` stand in its question."""

    words: bytes
    is_held: bool = False
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        self.is_held = True
        await self._opened.wait()

    def release(self) -> None:
        self._opened.set()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN (SO_LINGER of zero seconds)."""
    held = writer.get_extra_info("socket")
    if held is not None and held.fileno() >= 0:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A server that keeps every write, the wire before it, and Muster's section `store`."""

    server: RedisServer
    wire: Wire
    section: dict[str, Any]


Fault: TypeAlias = Callable[[Scene], AbstractAsyncContextManager[object]]


@asynccontextmanager
async def scene(folder: Path, *options: str) -> AsyncIterator[Scene]:
    """A server with Muster's ACL user, reached through a wire; a Cluster of one node is reached directly."""
    is_cluster = "--cluster-enabled" in options
    kept = ["--appendfsync", "always", "--user", USER, *CREATED[1:], *options]
    (folder / "redis.password").touch(mode=0o600)
    (folder / "redis.password").write_text(PASSWORD)
    login = {"username": USER, "password": {"file": str(folder / "redis.password")}}
    if is_cluster:
        # Its bus else listens 10,000 ports higher, and there is none for the highest ports.
        kept = [*kept, "--cluster-port", str(free_port())]
    with RedisServer(folder / "redis", kept, on_port=is_cluster) as server:
        async with Wire(server.socket) as wire:
            if is_cluster:
                server.call("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
                place: dict[str, Any] = {"cluster": {"nodes": [str(server.address)]}}
            else:
                place = {"url": f"redis://{HOST}:{wire.port}"}
            yield Scene(server=server, wire=wire, section={"redis": {**place, **login}})


@asynccontextmanager
async def hung(on: Scene) -> AsyncIterator[None]:
    """SIGSTOP: connections stand, nothing is said."""
    with on.server.silence():
        yield


@asynccontextmanager
async def killed(on: Scene) -> AsyncIterator[None]:
    """`kill -9`, and started again with what is in its append-only file."""
    on.server.kill()
    try:
        yield
    finally:
        await asyncio.to_thread(on.server.start)


@asynccontextmanager
async def slow(on: Scene) -> AsyncIterator[None]:
    """Every answer is two seconds late."""
    on.wire.late = LATE
    try:
        yield
    finally:
        on.wire.late = 0.0


@asynccontextmanager
async def torn(on: Scene) -> AsyncIterator[None]:
    """Connections are reset in the middle of every answer."""
    on.wire.is_torn = True
    try:
        yield
    finally:
        on.wire.is_torn = False


@asynccontextmanager
async def swallowed(on: Scene) -> AsyncIterator[None]:
    """Half open: both sides talk, and nobody hears; what was open then stays dead."""
    on.wire.swallow_those_open()
    on.wire.is_swallowing = True
    try:
        yield
    finally:
        on.wire.is_swallowing = False


@asynccontextmanager
async def revoked(on: Scene) -> AsyncIterator[None]:
    """The ACL user is gone, and its connections with it."""
    on.server.call("ACL", "DELUSER", USER)
    try:
        yield
    finally:
        on.server.call("ACL", "SETUSER", USER, *CREATED)


@asynccontextmanager
async def cluster_down(on: Scene) -> AsyncIterator[None]:
    """A slot has no node: then no slot is served."""
    on.server.call("CLUSTER", "DELSLOTS", 0)
    try:
        yield
    finally:
        on.server.call("CLUSTER", "ADDSLOTS", 0)


@asynccontextmanager
async def demoted(on: Scene) -> AsyncIterator[None]:
    """A replica of a master that cannot be reached: it answers reads with what it had, and takes no writes."""
    on.server.call("REPLICAOF", HOST, 1)
    try:
        yield
    finally:
        on.server.call("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def full(on: Scene) -> AsyncIterator[None]:
    """Its memory is full, and it throws nothing away."""
    on.server.call("CONFIG", "SET", "maxmemory", 1)
    try:
        yield
    finally:
        on.server.call("CONFIG", "SET", "maxmemory", 0)
