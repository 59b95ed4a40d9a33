"""Muster in front of a bare upstream, with one open path and an IdP that is never asked; and a client that counts failures."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.program import HOST, STARTS, Config, Muster, choose_ports, is_port_taken
from tests.fakes.processes import ChildDied

BODY = b"x" * 256


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
    """Clients that keep their connection until they are told `Connection: close`. They never retry."""

    port: int
    host: str = HOST
    tls: ssl.SSLContext | None = None
    path: str = "/open/a"
    answered: int = 0
    closes: int = 0
    failures: list[str] = field(default_factory=list)

    async def run(self, requests: int, clients: int, *, pause: float = 0.0) -> None:
        """So many requests in all."""
        each, rest = divmod(requests, clients)
        await asyncio.gather(*(self._client(each + (number < rest), pause) for number in range(clients)))

    async def _client(self, requests: int, pause: float) -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for _ in range(requests):
            try:
                if connection is None:
                    connection = await self._connected()
                is_kept = await self._get(*connection)
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
        writer.write(f"GET {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert await reader.readexactly(len(BODY)) == BODY
        self.answered += 1
        is_closed = b"connection: close" in head.lower()
        self.closes += is_closed
        return not is_closed
