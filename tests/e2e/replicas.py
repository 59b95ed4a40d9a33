"""Several Musters on one store, behind one address, as a Kubernetes service puts them: each connection goes to the next one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e.apps import App
from tests.e2e.idps import Idp
from tests.e2e.program import HOST, Config, Muster, Ports, choose_ports
from tests.e2e.stack import Stack, configuration, idp_entry

CHUNK = 65536


class Spread:
    """A listener on one port that hands its connections to its targets (ports), in turn. Whoever refuses is passed over."""

    def __init__(self) -> None:
        self.targets: list[int] = []
        self.port = 0
        self._turn = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=2048)
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

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._between(reader, writer)
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, onward = await self._connected()
        pumps = [asyncio.create_task(_pump(reader, onward)), asyncio.create_task(_pump(upstream, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            onward.transport.abort()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(len(self.targets)):
            self._turn += 1
            with contextlib.suppress(ConnectionRefusedError):
                return await asyncio.open_connection(
                    "127.0.0.1", self.targets[self._turn % len(self.targets)]
                )
        raise ConnectionRefusedError("no replica takes a connection")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()


class Replica(Muster):
    """One of several: it listens on a port of its own, people know the port in front."""

    def __init__(self, folder: Path, ports: Ports, config: Config, *, front: int) -> None:
        self._front = front
        super().__init__(folder, ports, {**config, "public_url": f"http://{HOST}:{front}"})

    def url(self, path: str = "/") -> str:
        return f"http://{HOST}:{self._front}{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """A system with several Musters. `stack` speaks to whichever is next."""

    stack: Stack
    members: Sequence[Replica]
    front: Spread

    def only(self, *members: Replica) -> None:
        """From now on connections go to these alone."""
        self.front.targets = [member.ports.public for member in members]

    def all_again(self) -> None:
        self.only(*self.members)

    def have_logged(self, reason: str) -> bool:
        return any(member.has_logged(reason) for member in self.members)


@asynccontextmanager
async def replicas(
    idp: Idp, app: App, folder: Path, /, *, store: dict[str, Any], count: int = 3, **changes: Any
) -> AsyncIterator[Replicas]:
    """So many Musters on one store and one key file. `store` is the section of that name."""
    shared = folder / "shared"
    shared.mkdir(parents=True)
    entry = idp_entry(idp, **changes.pop("idp", {}))
    changes = {"store": store, "keys_file": str(shared / "muster.keys"), "idps": [entry], **changes}
    async with AsyncExitStack() as opened:
        front = await opened.enter_async_context(Spread())
        members: list[Replica] = []
        for number in range(count):
            own = folder / f"replica{number}"
            own.mkdir()
            member = Replica(own, choose_ports(), configuration(idp, app, own, changes), front=front.port)
            if not members:
                await idp.register(member.url("/_muster/callback"), member.url("/_muster/signed-out"))
            await member.start()
            opened.push_async_callback(asyncio.to_thread, member.child.stop)
            members.append(member)
        stack = Stack(idp=idp, app=app, muster=members[0])
        system = Replicas(stack=stack, members=members, front=front)
        system.all_again()
        yield system
