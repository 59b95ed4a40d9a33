"""A TCP relay that a test stands between two parties: it writes down what passes, and holds back what it is told to.

It knows of HTTP only that a request begins with its request line, and that its clients do not pipeline.
"""

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.fakes.processes import until

CHUNK = 65536
REQUEST_LINE = re.compile(rb"[A-Z]+ /\S* HTTP/1\.1\r\n")


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request as it passed, and its answer's status (None: not answered yet). Times in epoch seconds."""

    at: float
    head: bytes
    status: int | None = None
    answered_at: float = 0.0

    @property
    def line(self) -> str:
        """Method and target."""
        return self.head.split(b"\r\n", 1)[0].decode("latin-1").removesuffix(" HTTP/1.1")

    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


@dataclass(slots=True, kw_only=True)
class Hold:
    """What is held back: requests that begin with one of `starts`, before the target sees them, or (`is_answer`) their answers.

    `seen` counts what came; `drop` lets nothing of it go on: the connections are closed instead.
    """

    starts: tuple[bytes, ...]
    is_answer: bool
    seen: int = 0
    is_dropped: bool = False
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, chunk: bytes) -> bool:
        return chunk.startswith(self.starts)

    async def arrived(self, count: int = 1, seconds: float = 30.0) -> None:
        """Returns once `count` requests were held."""
        await until(
            lambda: self.seen >= count, seconds, f"{count} requests of {self.starts!r} (came: {self.seen})"
        )

    async def wait(self) -> bool:
        """Waits to be let on; whether to go on."""
        self.seen += 1
        await self.opened.wait()
        return not self.is_dropped

    def release(self) -> None:
        self.opened.set()

    def drop(self) -> None:
        self.is_dropped = True
        self.opened.set()


class Relay:
    """Listens on a port of its own that never changes, and passes on to `target` (host:port)."""

    def __init__(self, target: str = "") -> None:
        self.target = target
        self.address = ""
        self.exchanges: list[Exchange] = []
        self._hold: Hold | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=512)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hold(self, *starts: bytes) -> Hold:
        """From now on these requests do not reach the target until released."""
        self._hold = Hold(starts=starts, is_answer=False)
        return self._hold

    def hold_answers(self, *starts: bytes) -> Hold:
        """From now on these requests reach the target, and nobody hears its answer until released."""
        self._hold = Hold(starts=starts, is_answer=True)
        return self._hold

    def stop_holding(self) -> None:
        """What comes from now on passes; what is held stays held."""
        self._hold = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._pass_on(reader, writer)
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.target.rpartition(":")
        upstream, onward = await asyncio.open_connection(host, int(port))
        passing = _Passing()
        pumps = [
            asyncio.create_task(self._requests(reader, onward, passing)),
            asyncio.create_task(self._answers(upstream, writer, passing)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            onward.transport.abort()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _requests(
        self, reader: asyncio.StreamReader, onward: asyncio.StreamWriter, passing: "_Passing"
    ) -> None:
        while chunk := await reader.read(CHUNK):
            if not await self._may_pass(chunk, passing):
                return
            if REQUEST_LINE.match(chunk):
                passing.exchange = Exchange(at=time.time(), head=chunk)
                self.exchanges.append(passing.exchange)
            onward.write(chunk)
            await onward.drain()

    async def _may_pass(self, chunk: bytes, passing: "_Passing") -> bool:
        hold = self._hold
        if hold is None or not hold.matches(chunk):
            return True
        if hold.is_answer:
            passing.hold = hold
            return True
        return await hold.wait()

    async def _answers(
        self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, passing: "_Passing"
    ) -> None:
        while chunk := await upstream.read(CHUNK):
            if passing.exchange is not None and passing.exchange.status is None:
                passing.exchange.status = int(chunk.split(b" ", 2)[1])
                passing.exchange.answered_at = time.time()
            hold, passing.hold = passing.hold, None
            if hold is not None and not await hold.wait():
                return
            writer.write(chunk)
            await writer.drain()


@dataclass(slots=True)
class _Passing:
    """What one connection is busy with: the request that was passed on last, and the hold on its answer."""

    exchange: Exchange | None = None
    hold: Hold | None = None
