"""A gate, answers and an access log for the edge's tests, and a client that speaks raw bytes."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from proxy.edge.handshake import WebSocketRules
from proxy.edge.listener import Listener
from proxy.edge.plane import Neighbours
from proxy.edge.ports import Answer, ConnectOwn
from proxy.edge.refused import HeadAnswer
from proxy.edge.rules import Limits, UpstreamRules
from proxy.edge.trust import Trust
from proxy.gate.decision import Admit, Deny, Open, Own, Request, SignIn, Verdict
from proxy.gate.fields import FieldRules
from proxy.gate.headers import HeaderNames
from proxy.reasons import Reason
from proxy.session.model import SessionKey

COOKIE = "__Host-muster"
KEY = SessionKey("5e55104")
BLOCK = b"X-Forwarded-User: ada\r\nX-Forwarded-Groups: engineers\r\n"
ADMIT = Admit(session=KEY, block=BLOCK)
FIELDS = FieldRules(identity=HeaderNames().all(), cookie=COOKIE)


@dataclass
class FakeGate:
    """Gives `verdict`; `slow` answers only in `decide`, which waits for `released`."""

    verdict: Verdict = field(default_factory=lambda: ADMIT)
    slow: bool = False
    error: Exception | None = None
    requests: list[Request] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    was_cancelled: bool = False

    def decide_now(self, request: Request) -> Verdict | None:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        if request.path.startswith(b"/_muster/"):
            return Own()
        if request.path.startswith(b"/open/"):
            return Open()
        return None if self.slow else self.verdict

    async def decide(self, request: Request) -> Verdict:
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return self.verdict


class FakeAnswers:
    """The reason as plain text."""

    def answer(self, verdict: SignIn | Deny, request: Request | None, incident: str | None = None) -> Answer:
        status = verdict.status if isinstance(verdict, Deny) else 401
        headers: tuple[tuple[bytes, bytes], ...] = ((b"Content-Type", b"text/plain"),)
        if isinstance(verdict, Deny) and verdict.retry_after is not None:
            headers += ((b"Retry-After", b"%d" % verdict.retry_after),)
        body = verdict.reason.value + (f" {incident}" if incident else "")
        return Answer(status=status, headers=headers, body=body.encode())


@dataclass
class FakeAccess:
    """Keeps the facts."""

    lines: list[tuple[str, bytes, int, int, SessionKey | None]] = field(default_factory=list)
    aside: list[HeadAnswer] = field(default_factory=list)

    def __call__(
        self, peer: str, request: Request, status: int, sent: int, seconds: float, session: SessionKey | None
    ) -> None:
        self.lines.append((peer, request.path, status, sent, session))

    def without_exchange(self, answered: HeadAnswer) -> None:
        self.aside.append(answered)

    def flush(self) -> None: ...


class Wire:
    """A client that writes and reads raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Writes; the other side may have gone."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def until(self, mark: bytes) -> bytes:
        """Up to and with `mark`."""
        async with asyncio.timeout(5):
            return await self.reader.readuntil(mark)

    async def exactly(self, size: int) -> bytes:
        """`size` bytes."""
        async with asyncio.timeout(5):
            return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Whatever comes until the end; ConnectionError when it is a reset."""
        async with asyncio.timeout(10):
            return await self.reader.read(-1)

    async def answer(self) -> tuple[bytes, bytes]:
        """A head and a body with Content-Length."""
        head = await self.until(b"\r\n\r\n")
        size = next((int(v) for n, v in fields_of(head) if n == b"content-length"), 0)
        return head, await self.exactly(size)

    async def exchange(self, data: bytes) -> tuple[bytes, bytes]:
        """Sends, and takes one answer."""
        await self.send(data)
        return await self.answer()

    def close(self) -> None:
        """Goes away."""
        self.writer.close()


def fields_of(head: bytes) -> list[tuple[bytes, bytes]]:
    """Names in lower case, and values."""
    pairs = (line.partition(b": ") for line in head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:])
    return [(name.lower(), value) for name, _, value in pairs]


def status_of(head: bytes) -> int:
    """The status code of an answer."""
    return int(head.split(b" ", 2)[1])


@dataclass
class Edge:
    """A running listener with its fakes."""

    listener: Listener
    gate: FakeGate
    access: FakeAccess
    port: int
    reported: list[BaseException]
    told: list[tuple[str, Reason | None, str]]
    wires: list[Wire] = field(default_factory=list)

    async def wire(self) -> Wire:
        """A new connection to it."""
        made = Wire(*await asyncio.open_connection("127.0.0.1", self.port, limit=2**22))
        self.wires.append(made)
        return made

    async def once(self, data: bytes) -> bytes:
        """Everything that comes back on one connection, until it ends."""
        wire = await self.wire()
        await wire.send(data)
        return await wire.rest()


async def no_own_pages() -> socket.socket:
    """Fails: the test did not expect an own page."""
    raise AssertionError("no own pages here")


@contextlib.asynccontextmanager
async def running_edge(
    upstream: UpstreamRules | None,
    *,
    gate: FakeGate | None = None,
    limits: Limits | None = None,
    connect_own: ConnectOwn | None = None,
    fields: FieldRules = FIELDS,
    websockets: WebSocketRules = WebSocketRules(),  # noqa: B008 -- frozen
    trust: Trust | None = None,
    expects_preamble: bool = False,
    upstreams: Sequence[tuple[bytes, UpstreamRules]] = (),
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Edge]:
    """A listener on a free port in front of `upstream`; drained at the end."""
    gate = gate or FakeGate()
    access = FakeAccess()
    reported: list[BaseException] = []

    def report(error: BaseException) -> str:
        reported.append(error)
        return f"incident-{len(reported)}"

    def told(upstream: str, reason: Reason | None, detail: str) -> None:
        heard.append((upstream, reason, detail))

    heard: list[tuple[str, Reason | None, str]] = []
    neighbours = Neighbours(
        gate=gate,
        answers=FakeAnswers(),
        connect_own=connect_own or no_own_pages,
        access=access,
        report=report,
    )
    listener = Listener(
        neighbours,
        upstream=upstream,
        upstreams=upstreams,
        told=told,
        fields=fields,
        limits=limits or Limits(tick=0.02, drain_timeout=1.0),
        websockets=websockets,
        trust=trust,
        expects_preamble=expects_preamble,
        tls=tls,
    )
    ((_, port),) = await listener.start([("127.0.0.1", 0)])
    edge = Edge(listener, gate, access, port, reported, heard)
    try:
        yield edge
    finally:
        for wire in edge.wires:
            wire.close()
        await listener.drain()


async def eventually(holds: Callable[[], bool], *, within: float = 5.0) -> None:
    """Waits until something holds; TimeoutError when it does not."""
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.005)
