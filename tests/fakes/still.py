"""The edge without sockets or a running loop: bytes go in by hand, what was written is kept, time stands until it is moved."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from proxy.edge.client import ClientConnection
from proxy.edge.plane import Neighbours, Plane
from proxy.edge.pool import Pool
from proxy.edge.rules import Limits, UpstreamRules
from proxy.edge.trust import Trust
from proxy.edge.upstream import UpstreamConnection
from proxy.reasons import Reason
from tests.fakes.edge import FIELDS, FakeAccess, FakeAnswers, FakeGate, no_own_pages


class StillLoop:
    """The three things the edge asks of a loop, done by hand. A task is never begun: its coroutine is kept."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.soon: list[Callable[[], None]] = []
        self.tasks: list[Any] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, call: Callable[[], None]) -> None:
        self.soon.append(call)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Time stands: nothing is ever late enough."""

    def create_task(self, work: Any) -> "StillTask":
        work.close()
        self.tasks.append(work)
        return StillTask()

    def turn(self) -> None:
        """Runs what was asked to be run soon."""
        while self.soon:
            self.soon.pop(0)()


class StillTask:
    """Nothing runs, nothing is to be cancelled."""

    def cancel(self) -> None: ...


class FakeTransport:
    """Keeps what was written, and what was asked of it. Of an app's: `heard`, what it said, and how much of that when each
    exchange took the connection (`taken_at`)."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.is_aborted = self.is_closed = self.is_eof = self.is_paused = False
        self.buffered = 0
        self.heard = bytearray()
        self.taken_at: list[int] = []
        self.protocol: asyncio.Protocol | None = None

    def write(self, data: bytes) -> None:
        assert not self.is_closing(), "written after the end"
        self.written += data

    def get_extra_info(self, name: str) -> object:
        return ("192.0.2.1", 1) if name == "peername" else None

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self.is_aborted or self.is_closed

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.is_eof = True

    def abort(self) -> None:
        self.is_aborted = True

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def resume_reading(self) -> None:
        assert self.is_paused
        self.is_paused = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more goes out here."""
        return self.is_aborted or self.is_closed or self.is_eof


class StillPool(Pool):
    """Every exchange gets a new connection at once, over a transport that keeps its bytes."""

    def __init__(self) -> None:
        super().__init__(
            UpstreamRules(host="app", port=80), cast(asyncio.AbstractEventLoop, None), lambda: None
        )
        self.made: list[tuple[UpstreamConnection, FakeTransport]] = []

    def take(self, now: float, *, is_repeatable: bool) -> UpstreamConnection | None:
        known = super().take(now, is_repeatable=is_repeatable)
        if known is not None:
            transport = cast(FakeTransport, known.transport)
            transport.taken_at.append(len(transport.heard))
            return known
        upstream, transport = UpstreamConnection(65536, self.known_answers), FakeTransport()
        upstream.connection_made(cast(asyncio.BaseTransport, transport))
        transport.taken_at.append(0)
        self.made.append((upstream, transport))
        return upstream


@dataclass
class StillEdge:
    """One client connection on a still plane."""

    gate: FakeGate = field(default_factory=FakeGate)
    limits: Limits = field(default_factory=Limits)
    reported: list[BaseException] = field(default_factory=list)
    trust: Trust | None = None
    expects_preamble: bool = False
    takes_questions: bool = False
    asked_in_vain: list[tuple[str, Reason]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.loop = StillLoop()
        self.pool = StillPool()
        self.access = FakeAccess()
        neighbours = Neighbours(
            gate=self.gate,
            answers=FakeAnswers(),
            connect_own=no_own_pages,
            access=self.access,
            report=self._report,
            asked_in_vain=lambda peer, reason: self.asked_in_vain.append((peer, reason)),
        )
        self.plane = Plane(
            neighbours,
            loop=cast(asyncio.AbstractEventLoop, self.loop),
            limits=self.limits,
            fields=FIELDS,
            scheme="https",
            pool=self.pool,
            trust=self.trust,
            expects_preamble=self.expects_preamble,
            takes_questions=self.takes_questions,
        )
        self.client, self.transport = self.connect()

    def _report(self, error: BaseException) -> str:
        self.reported.append(error)
        return "incident"

    def connect(self) -> tuple[ClientConnection, FakeTransport]:
        """One more client."""
        client, transport = ClientConnection(self.plane), FakeTransport()
        client.connection_made(cast(asyncio.BaseTransport, transport))
        return client, transport

    def send(self, *pieces: bytes) -> None:
        """What the client writes, as the loop would deliver it."""
        for piece in pieces:
            self.client.data_received(piece)
            self.loop.turn()

    def answer(self, data: bytes) -> None:
        """What the app writes on its latest connection."""
        upstream, transport = self.pool.made[-1]
        if not transport.is_closing():
            transport.heard += data
            (transport.protocol or upstream).data_received(data)
            self.loop.turn()

    def app_ends(self, error: Exception | None = None) -> None:
        """The app closes its latest connection, or resets it."""
        upstream, transport = self.pool.made[-1]
        if not transport.is_closing():
            transport.is_aborted = True
            if error is None and transport.protocol is None:
                upstream.eof_received()
            (transport.protocol or upstream).connection_lost(error)
            self.loop.turn()

    def later(self, seconds: float) -> None:
        """Time passes, and the plane ticks at its end: the clock moves on, and what was due by then hears of it."""
        self.loop.now += seconds
        self.plane.tick()
        self.plane.tick()
        self.loop.turn()

    @property
    def got(self) -> bytes:
        """Everything the client got."""
        return bytes(self.transport.written)

    @property
    def forwarded(self) -> bytes:
        """Everything the app got."""
        return b"".join(bytes(transport.written) for _, transport in self.pool.made)


_LINE = re.compile(rb"[A-Z]+ [^\x00-\x20\x7f#]+ HTTP/1\.1")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([^\x00-\x08\x0a-\x1f\x7f]*)")


@dataclass
class Strict:
    """A request as a strict reader takes it from the wire."""

    line: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    is_whole: bool = True

    def values(self, name: bytes) -> list[bytes]:
        """Every value of a field, by its lower-case name."""
        return [value for own, value in self.fields if own == name]


def strict_requests(raw: bytes) -> list[Strict]:
    """The requests on one upstream connection, read by other code than llhttp. AssertionError at the first irregular byte."""
    found = []
    while raw:
        head, end, raw = raw.partition(b"\r\n\r\n")
        assert end, head
        line, *lines = head.split(b"\r\n")
        assert _LINE.fullmatch(line), line
        matches = [_FIELD.fullmatch(each) for each in lines]
        request = Strict(line, [(m[1].lower(), m[2]) for m in matches if m])
        assert len(request.fields) == len(lines), lines
        raw = _strict_body(request, raw)
        found.append(request)
    return found


def _strict_body(request: Strict, raw: bytes) -> bytes:
    lengths, codings = request.values(b"content-length"), request.values(b"transfer-encoding")
    assert len(lengths) + len(codings) <= 1
    if codings:
        assert codings == [b"chunked"]
        return _strict_chunks(request, raw)
    size = int(lengths[0]) if lengths else 0
    request.body, rest = raw[:size], raw[size:]
    request.is_whole = len(request.body) == size
    return rest


def _strict_chunks(request: Strict, raw: bytes) -> bytes:
    while raw:
        line, _, raw = raw.partition(b"\r\n")
        assert re.fullmatch(rb"[0-9a-f]+", line), line
        size = int(line, 16)
        assert raw[size : size + 2] == b"\r\n"
        request.body += raw[:size]
        raw = raw[size + 2 :]
        if size == 0:
            return raw
    request.is_whole = False
    return raw
