"""Accepts clients, ticks the plane, drains it. The set of connections is the registry of running streams."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence

from proxy.edge.client import ClientConnection
from proxy.edge.door import Door
from proxy.edge.handshake import WebSocketRules
from proxy.edge.plane import Figures, Neighbours, Plane
from proxy.edge.pool import Pool, tell_nobody
from proxy.edge.ports import UpstreamTold
from proxy.edge.routes import Routes
from proxy.edge.rules import Limits, UpstreamRules
from proxy.edge.trust import Trust
from proxy.gate.fields import FieldRules
from proxy.session.model import SessionKey

BACKLOG = 2048
DRAIN_POLL = 0.02
QUEUE_TURNS = 4
"""Turns of the loop in which who was in the kernel's queue is accepted: closed, the socket would reset them."""

Address = tuple[str, int]


class Listener:
    """The data plane of one loop. Build it, `start` it, and `drain` it before the loop ends."""

    def __init__(
        self,
        neighbours: Neighbours,
        *,
        upstream: UpstreamRules | None,
        upstreams: Sequence[tuple[bytes, UpstreamRules]] = (),
        told: UpstreamTold = tell_nobody,
        fields: FieldRules,
        limits: Limits | None = None,
        scheme: str = "http",
        trust: Trust | None = None,
        expects_preamble: bool = False,
        websockets: WebSocketRules = WebSocketRules(),  # noqa: B008 -- frozen
        takes_questions: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`upstreams`: for paths under a prefix; `upstream`, if any, has all others. `told` hears of those not to be reached.

        `tls` is for the TCP addresses; Unix sockets stay plain.
        """
        self._tls = tls
        self._neighbours = neighbours
        self._upstream = upstream
        self._upstreams = upstreams
        self._told = told
        self._fields = fields
        self._limits = limits or Limits()
        self._scheme = scheme
        self._websockets = websockets
        self._takes_questions = takes_questions
        self._trust = trust
        self._expects_preamble = expects_preamble
        self._servers: list[asyncio.Server | Door] = []
        self._plane: Plane | None = None
        self._ticking: asyncio.TimerHandle | None = None

    async def start(self, addresses: Sequence[Address | socket.socket]) -> list[Address]:
        """Listens; port 0 is any free one. The bound addresses come back, in order. Raises OSError when one is taken."""
        plane = self._plane = self._make_plane(asyncio.get_running_loop())
        for address in addresses:
            self._servers.append(await self._listen(plane, address))
        self._tick()
        return [_name(own) for server in self._servers for own in server.sockets]

    def _make_plane(self, loop: asyncio.AbstractEventLoop) -> Plane:
        def opened() -> None:
            plane.figures.upstream_connections += 1

        def made(rules: UpstreamRules) -> Pool:
            return Pool(rules, loop, opened, self._told)

        pool = made(self._upstream) if self._upstream is not None else None
        plane = Plane(
            self._neighbours,
            loop=loop,
            limits=self._limits,
            fields=self._fields,
            scheme=self._scheme,
            pool=pool,
            routes=Routes(pool, [(prefix, made(rules)) for prefix, rules in self._upstreams])
            if self._upstreams
            else None,
            trust=self._trust,
            expects_preamble=self._expects_preamble,
            websockets=self._websockets,
            takes_questions=self._takes_questions,
        )
        return plane

    async def _listen(self, plane: Plane, address: Address | socket.socket) -> asyncio.Server | Door:
        def accepted() -> ClientConnection:
            client = ClientConnection(plane)
            plane.coming[client] = plane.now
            return client

        if isinstance(address, socket.socket) and address.family == socket.AF_UNIX:
            return await plane.loop.create_unix_server(accepted, sock=address, backlog=BACKLOG)
        if self._tls is not None:
            listening = address if isinstance(address, socket.socket) else _bound(address)
            return Door(plane, self._tls, listening, BACKLOG)
        if isinstance(address, socket.socket):
            return await plane.loop.create_server(accepted, sock=address, backlog=BACKLOG)
        return await plane.loop.create_server(accepted, *address, backlog=BACKLOG)

    def _tick(self) -> None:
        plane = self._plane
        assert plane is not None, "ticks only between start and drain"
        try:
            plane.tick()
        except Exception as error:
            self._neighbours.report(error)
        self._ticking = plane.loop.call_later(self._limits.tick, self._tick)

    @property
    def figures(self) -> Figures:
        """The counters."""
        return self._plane.figures if self._plane is not None else Figures()

    @property
    def is_accepting(self) -> bool:
        """Whether new connections are taken."""
        return any(server.is_serving() for server in self._servers)

    @property
    def pools(self) -> tuple[tuple[bytes, Pool], ...]:
        """Every upstream's pool with its prefix, which is empty for the one for everything else."""
        plane = self._plane
        if plane is None:
            return ()
        all_of_them = ((b"", plane.pool),) if plane.routes is None else plane.routes.by_prefix()
        return tuple((prefix, pool) for prefix, pool in all_of_them if pool is not None)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._plane.clients) if self._plane is not None else 0

    @property
    def in_flight(self) -> int:
        """How many exchanges are under way."""
        clients = self._plane.clients if self._plane is not None else ()
        return sum(client.exchange is not None for client in clients)

    def sessions_in_flight(self) -> frozenset[SessionKey]:
        """Whose exchanges run now: a session with a running stream is in use."""
        clients = self._plane.clients if self._plane is not None else ()
        sessions = (client.exchange.session for client in clients if client.exchange is not None)
        return frozenset(key for key in sessions if key is not None)

    def end_session(self, key: SessionKey) -> None:
        """Cuts every exchange that runs for this session, streams above all."""
        if self._plane is not None:
            for client in tuple(self._plane.clients):
                client.end_session(key)

    async def drain(self, quiet_until: Callable[[], float] = lambda: 0.0) -> None:
        """Stops accepting, lets what is under way end within `drain_timeout`, then cuts it.

        Until `quiet_until` (loop time, asked again and again) connections without a request stay open for one more, whose answer
        says `Connection: close`, so that a request on its way here meets no closed connection.
        """
        plane = self._plane
        if plane is None:
            return
        plane.is_draining = True
        for _ in range(QUEUE_TURNS):
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.drain_timeout):
                while plane.clients or ((plane.coming or plane.entrants) and not plane.is_shut):
                    if plane.loop.time() >= quiet_until():
                        self._close_idle(plane)
                    await asyncio.sleep(DRAIN_POLL)
        await self._cut(plane)

    def _close_idle(self, plane: Plane) -> None:
        plane.is_shut = True
        for client in tuple(plane.clients):
            client.drain()

    async def _cut(self, plane: Plane) -> None:
        plane.is_shut = True
        for entrant in tuple(plane.entrants.values()):
            entrant.abort()
        for client in tuple(plane.clients):
            client.abort()
        for pool in plane.pools:
            pool.close()
        while plane.clients or plane.entrants:  # noqa: ASYNC110 -- aborted transports tell us within a turn or two of the loop
            await asyncio.sleep(0)
        if self._ticking is not None:
            self._ticking.cancel()
        if plane.access is not None:
            plane.access.flush()
        self._plane = None


def _bound(address: Address) -> socket.socket:
    """Raises OSError when it is taken."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    return socket.create_server(address, family=family, backlog=BACKLOG)


def _name(own: socket.socket) -> Address:
    """Host and port; a Unix socket's path and 0."""
    name = own.getsockname()
    return (name, 0) if isinstance(name, str) else name[:2]
