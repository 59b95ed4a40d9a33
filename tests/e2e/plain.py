"""Muster in front of a bare upstream, with one open path and an IdP that is never asked; and a client that counts failures."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import HOST, STARTS, Config, Muster, choose_ports, is_port_taken
from tests.fakes.processes import ChildDied

BODY = b"x" * 256
FAILED = "a request failed"
no_second_try = pytest.mark.flaky(reruns=2, rerun_except=FAILED)
"""A busy machine may start slowly, but it fails no request."""


def plain_configuration(upstream: int, **more: Any) -> Config:
    """A keyword replaces a section."""
    return {
        "upstream": {"url": f"http://127.0.0.1:{upstream}"},
        "idps": [{"id": "corp", "issuer": "http://127.0.0.1:9", "client_id": "a", "kind": "keycloak"}],
        "headers": {"user_claim": "sub"},
        "joining": {"domains": ["example.com"]},
        "open_paths": ["/open/*"],
        **more,
    }


async def _app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if b"/slow" in head:
                await asyncio.sleep(0.5)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


@asynccontextmanager
async def app_port() -> AsyncIterator[int]:
    """A bare app; its port."""
    server = await asyncio.start_server(_app, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def plain(
    folder: Path, *, ready: str | None = "/_muster/readyz", **more: Any
) -> AsyncIterator[tuple[Muster, int]]:
    """A running Muster, and its app's port. A function as a section is called with Muster's ports."""
    async with app_port() as upstream:
        muster = await _started(folder, upstream, more, ready)
        try:
            yield muster, upstream
        finally:
            await asyncio.to_thread(muster.child.stop)


async def _started(folder: Path, upstream: int, more: dict[str, Any], ready: str | None) -> Muster:
    for attempt in range(STARTS):
        ports = choose_ports()
        sections = {name: made(ports) if callable(made) else made for name, made in more.items()}
        muster = Muster(folder, ports, plain_configuration(upstream, **sections))
        try:
            await muster.start(ready=ready)
        except ChildDied as failure:
            if not is_port_taken(failure) or attempt == STARTS - 1:
                raise
        else:
            return muster
    raise AssertionError("unreachable")


@dataclass
class Load:
    """Clients that keep their connection until they are told `Connection: close`. They never retry.

    Every `new_every`th client opens a connection for each request; 0: none does.
    """

    port: int
    new_every: int = 0
    host: str = HOST
    tls: ssl.SSLContext | None = None
    path: str = "/open/a"
    cookie: str = ""
    asked: int = 0
    answered: int = 0
    closes: int = 0
    failures: list[str] = field(default_factory=list)

    async def run(
        self, requests: int, clients: int, *, pause: float = 0.0, until: asyncio.Event | None = None
    ) -> None:
        """So many requests in all; more, while `until` is not set."""
        await asyncio.gather(*(self._client(number, requests, pause, until) for number in range(clients)))

    async def _client(self, number: int, requests: int, pause: float, until: asyncio.Event | None) -> None:
        keeps = not self.new_every or number % self.new_every > 0
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while self.asked < requests or (until is not None and not until.is_set()):
            self.asked += 1
            try:
                if connection is None:
                    connection = await self._connected()
                is_kept = await self._get(*connection) and keeps
            except (OSError, asyncio.IncompleteReadError, AssertionError) as error:
                self.failures.append(repr(error))
                is_kept = False
            if not is_kept and connection is not None:
                connection[1].close()
                connection = None
            if pause:
                await asyncio.sleep(pause)
        if connection is not None:
            connection[1].close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.tls is None:
            return await asyncio.open_connection("127.0.0.1", self.port)
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls, server_hostname=self.host)

    async def _get(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        writer.write(f"GET {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{cookie}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert await reader.readexactly(len(BODY)) == BODY
        self.answered += 1
        is_closed = b"connection: close" in head.lower()
        self.closes += is_closed
        return not is_closed

    def judge(self, how: str, least: int) -> None:
        """No request failed, and there were enough; a line for whoever runs the proof."""
        print(
            f"{how}: {self.answered} answers, {len(self.failures)} failures, {self.closes} times Connection: close"
        )
        assert self.failures == [], f"{FAILED}: {self.failures[:5]}"
        assert self.answered == self.asked >= least


@asynccontextmanager
async def loaded(load: Load, requests: int, clients: int, *, pause: float) -> AsyncIterator[Load]:
    """Load while the block runs, and until there were so many requests."""
    over = asyncio.Event()
    running = asyncio.create_task(load.run(requests, clients, pause=pause, until=over))
    try:
        yield load
    except BaseException:
        running.cancel()
        raise
    finally:
        over.set()
        await asyncio.gather(running, return_exceptions=True)
