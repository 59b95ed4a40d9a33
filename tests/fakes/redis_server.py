"""A Redis server that says what a test tells it: for answers and silences that a real one gives only on bad days."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from proxy.storage.redis.place import Address, Place, Single

Words = list[bytes]
Answer = Callable[[Words], bytes]

OK = b"+OK\r\n"
NIL = b"$-1\r\n"
SILENCE = b""
NOWHERE = Address(host="127.0.0.1", port=1)


def bulk(text: str) -> bytes:
    """A string."""
    raw = text.encode()
    return b"$%d\r\n%s\r\n" % (len(raw), raw)


def array(*parts: bytes) -> bytes:
    """A list of what is encoded already."""
    return b"*%d\r\n%s" % (len(parts), b"".join(parts))


def number(value: int) -> bytes:
    return b":%d\r\n" % value


def error(text: str) -> bytes:
    return f"-{text}\r\n".encode()


@dataclass
class FakeRedis:
    """Answers each command by `answer`; `SILENCE` is one, too. `heard` are the names of the commands that came.

    `role` is what it calls itself; None leaves that to `answer`.
    """

    answer: Answer
    heard: list[str] = field(default_factory=list)
    role: str | None = "master"
    connections: int = 0
    address: Address = NOWHERE
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def place(self, *, timeout: float = 2.0, connections: int = 4) -> Place:
        return Place(at=Single(endpoint=self.address), timeout=timeout, connections=connections)

    def drop_all(self) -> None:
        """Close every connection, as a server does that restarts."""
        for writer in self.writers:
            writer.close()
        self.writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while words := await _command(reader):
                await self._respond(words, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _respond(self, words: Words, writer: asyncio.StreamWriter) -> None:
        name = words[0].decode().upper()
        if name == "CLIENT":
            writer.write(OK)
            return
        if name == "ROLE" and self.role is not None:
            writer.write(array(bulk(self.role), number(0), array()))
            return
        self.heard.append(name)
        writer.write(self.answer(words))
        await writer.drain()


@asynccontextmanager
async def fake_redis(answer: Answer) -> AsyncIterator[FakeRedis]:
    fake = FakeRedis(answer)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    fake.address = Address(host=host, port=port)
    try:
        yield fake
    finally:
        server.close()
        fake.drop_all()
        await server.wait_closed()


async def _command(reader: asyncio.StreamReader) -> Words:
    head = await reader.readline()
    if not head:
        return []
    words = []
    for _ in range(int(head[1:])):
        size = int((await reader.readline())[1:])
        words.append((await reader.readexactly(size + 2))[:-2])
    return words
