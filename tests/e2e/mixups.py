"""A hundred people over shared connections: an app that says whom it was asked for, and a crowd that checks every answer.

The app's answer names the person that its request's headers named, and the request's own number. The crowd sends requests of
people chosen at random over connections that all of them share, in every shape that a connection's next exchange could
suffer from: HEAD, 304, chunked, without length, slow, with a body, broken off by the client, answered before the body is read.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

USER = b"x-forwarded-user"
SHAPES = ("plain", "chunked", "head", "unchanged", "until-close", "slow", "post", "early", "gone")


class WhoApp(asyncio.Protocol):
    """One connection to an app that answers `USER NUMBER` in the shape that the path asks for: `/SHAPE/NUMBER`."""

    def __init__(self) -> None:
        self._buffer = b""
        self._skip = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer:
            if self._skip:
                taken = min(self._skip, len(self._buffer))
                self._skip -= taken
                self._buffer = self._buffer[taken:]
                continue
            head, mark, rest = self._buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            self._buffer = rest
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        line, *lines = head.split(b"\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (one.partition(b":") for one in lines)}
        self._skip = int(fields.get(b"content-length", 0))
        _, shape, number = line.split(b" ")[1].split(b"/")
        body = fields.get(USER, b"nobody") + b" " + number
        answer = _ANSWERS.get(shape.decode(), _plain)(body)
        if shape == b"slow":
            asyncio.get_running_loop().call_later(0.01, self._write, answer, False)
        else:
            self._write(answer, shape == b"until-close")

    def _write(self, answer: bytes, is_last: bool) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)
            if is_last:
                self._transport.close()


def _plain(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Who: %s\r\n\r\n%s" % (len(body), body, body)


def _headed(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Who: %s\r\n\r\n" % (len(body), body)


def _unchanged(body: bytes) -> bytes:
    return b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nX-Who: %s\r\n\r\n' % body


def _chunked(body: bytes) -> bytes:
    half = len(body) // 2
    parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
    return (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Who: %s\r\n\r\n" % body
        + parts
        + b"0\r\nX-Trail: 1\r\n\r\n"
    )


def _until_close(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nX-Who: %s\r\n\r\n%s" % (body, body)


_ANSWERS: Mapping[str, Callable[[bytes], bytes]] = {
    "head": _headed,
    "unchanged": _unchanged,
    "chunked": _chunked,
    "until-close": _until_close,
}


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the crowd saw. `mixed` holds what was asked for and what came, where they differ; `lost` counts by login."""

    answers: Counter[int] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    mixed: list[str] = field(default_factory=list)


class Crowd:
    """People, by name with their cookies, who ask over a few shared connections to every address."""

    def __init__(self, host: str, ports: list[int], cookies: Mapping[str, str], seed: int) -> None:
        self._host = host
        self._ports = ports
        self._people = sorted(cookies.items())
        self._random = random.Random(seed)
        self._number = 0
        self.tally = Tally()

    async def ask(self, requests: int, *, connections: int) -> None:
        """So many requests in all, over so many connections at once."""
        left = iter(range(requests))
        await asyncio.gather(*(self._over_one(left) for _ in range(connections)))

    async def _over_one(self, left: "object") -> None:
        line: _Line | None = None
        for _ in left:  # type: ignore[attr-defined]  # the one iterator that all connections take from
            if line is None:
                line = await _Line.open(self._random.choice(self._ports))
            is_kept = await self._exchange(line)
            if not is_kept:
                line.close()
                line = None
        if line is not None:
            line.close()

    async def _exchange(self, line: "_Line") -> bool:
        """Whether the connection may be used again."""
        login, cookie = self._random.choice(self._people)
        shape = self._random.choices(SHAPES, weights=(30, 15, 15, 10, 3, 10, 10, 5, 2))[0]
        self._number += 1
        number = self._number
        line.send(_request(self._host, shape, number, cookie))
        self.tally.shapes[shape] += 1
        if shape == "gone":
            return False
        try:
            status, who, is_kept = await line.answer(is_head=shape == "head")
        except (OSError, asyncio.IncompleteReadError, EOFError):
            self.tally.lost[login] += 1
            return False
        self.tally.answers[status] += 1
        expected = f"{login} {number}"
        if status in (200, 304) and who != expected:
            self.tally.mixed.append(f"{expected} was answered {who} ({shape})")
        return is_kept


def _request(host: str, shape: str, number: int, cookie: str) -> bytes:
    method = {"head": "HEAD", "post": "POST", "early": "POST"}.get(shape, "GET")
    body = b"x" * (number % 3000) if method == "POST" else b""
    length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
    head = (
        f"{method} /{shape}/{number} HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Mode: cors\r\n"
        f"Cookie: other=1; __Host-muster={cookie}\r\nX-Forwarded-User: mallory\r\n{length}\r\n"
    )
    return head.encode() + body


class _Line:
    """One client connection; reads one answer at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, request: bytes) -> None:
        self._writer.write(request)

    def close(self) -> None:
        self._writer.transport.abort()

    async def answer(self, *, is_head: bool) -> tuple[int, str, bool]:
        """Status, who the answer is for (the body must say the same as the header), and whether the connection stays."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        fields = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        is_kept = fields.get("connection", "").lower() != "close"
        body = b"" if is_head or status == 304 else await self._body(fields)
        who = fields.get("x-who", "")
        if status == 200 and not is_head and body.decode("latin-1") != who:
            who = f"{who} with the body {body[:80]!r}"
        return status, who, is_kept

    async def _body(self, fields: Mapping[str, str]) -> bytes:
        if "content-length" in fields:
            return await self._reader.readexactly(int(fields["content-length"]))
        if fields.get("transfer-encoding") != "chunked":
            return await self._reader.read()
        body = b""
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        while await self._reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return body


class RunningApp:
    """`WhoApp` on a free port."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(WhoApp, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 1)
