"""Generators of our own that keep a fixed number of connections busy: WebSocket echoes, and requests at a fixed rate.

Every connection is one `Wire`; one thread asks epoll which of them were answered. Nothing but the standard library's sockets,
so that the generator is cheap and its own doing is plain.
"""

import select
import time
from collections import deque
from collections.abc import Iterator
from typing import Final, Self

from bench.app import masked_frame, plain_frame
from bench.figures import Load, load_of
from bench.wire import Failed, Place, read_head, whole_length

PAYLOAD: Final = b"e" * 100
MASK: Final = b"\x37\xfa\x21\x3d"
UPGRADE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}
LATE_SECONDS: Final = 10.0
"""How long answers may take after the last request was due."""
PAUSE_SECONDS: Final = 50e-6


class Wire:
    """One connection with at most one message under way, begun (or due) at `since`."""

    def __init__(self, place: Place) -> None:
        self.own = place.connect()
        self.since = 0.0
        self._heard = b""

    def send(self, message: bytes, since: float) -> None:
        """Small messages fit into an empty send buffer whole."""
        self.since = since
        if self.own.send(message) != len(message):
            raise Failed("a small message was not sent whole")

    def hear(self) -> bytes:
        """All of the answer that came so far."""
        part = self.own.recv(65536)
        if not part:
            raise Failed(f"a connection ended after {self._heard[:200]!r}")
        self._heard = self._heard + part if self._heard else part
        return self._heard

    def is_answered(self) -> bool:
        """Reads what came; whether the HTTP answer is whole. More than the answer is Failed."""
        heard = self.hear()
        wanted = whole_length(heard)
        if wanted is None or len(heard) < wanted:
            return False
        if len(heard) > wanted:
            raise Failed("more came than was asked for")
        self._heard = b""
        return True

    def is_echoed(self, expected: bytes) -> bool:
        """Reads what came; whether the echo is whole. Another one is Failed."""
        heard = self.hear()
        if len(heard) < len(expected):
            return False
        if heard != expected:
            raise Failed(f"not the echo: {heard[:200]!r}")
        self._heard = b""
        return True

    def upgrade(self, place: Place) -> None:
        """Opens the WebSocket; Failed when it is refused."""
        self.own.sendall(place.head("GET", "/ws", UPGRADE))
        head, rest = read_head(self.own)
        if not head.startswith(b"HTTP/1.1 101 ") or rest:
            raise Failed(head.decode("latin-1"))


class Watched:
    """So many wires of one place under one epoll. A context: leaving it closes them."""

    def __init__(self, place: Place, count: int) -> None:
        self._place, self._count = place, count
        self.wires: list[Wire] = []

    def __enter__(self) -> Self:
        self._epoll = select.epoll()
        try:
            for _ in range(self._count):
                self.wires.append(Wire(self._place))
        except OSError:
            self.close()
            raise
        self._by_number = {wire.own.fileno(): wire for wire in self.wires}
        for number in self._by_number:
            self._epoll.register(number, select.EPOLLIN)
        return self

    def __exit__(self, *of_no_interest: object) -> None:
        self.close()

    def ready(self, timeout: float) -> list[Wire]:
        """Those with something to read, within so many seconds."""
        return [self._by_number[number] for number, _ in self._epoll.poll(timeout)]

    def close(self) -> None:
        """All of them."""
        self._epoll.close()
        for wire in self.wires:
            wire.own.close()


def echoes(place: Place, seconds: float, connections: int) -> Load:
    """Every connection sends a frame of 100 bytes and, when it came back whole, the next."""
    frame, expected = masked_frame(PAYLOAD, MASK), plain_frame(PAYLOAD)
    latencies: list[float] = []
    clock = time.perf_counter
    with Watched(place, connections) as watched:
        for wire in watched.wires:
            wire.upgrade(place)
        started = clock()
        for wire in watched.wires:
            wire.send(frame, clock())
        while (now := clock()) - started < seconds:
            for wire in watched.ready(1.0):
                if wire.is_echoed(expected):
                    now = clock()
                    latencies.append(now - wire.since)
                    wire.send(frame, now)
    if not latencies:
        raise Failed(f"no echo within {seconds:g} s")
    return load_of(latencies, now - started)


class Schedule:
    """When each of so many requests is due, evenly: seconds since the start. Pure."""

    def __init__(self, rate: float, seconds: float) -> None:
        self.total = max(1, int(rate * seconds))
        self._rate, self._begun = rate, 0

    def take(self, now: float) -> Iterator[float]:
        """Those that have become due by now, each once."""
        while self._begun < self.total and (due := self._begun / self._rate) <= now:
            self._begun += 1
            yield due


def at_rate(place: Place, seconds: float, connections: int, rate: float) -> Load:
    """GETs of 1 KiB, each due at its own moment whatever became of those before: nobody waits politely for a slow proxy.

    A latency counts from when the request was due, also while no connection was free. Failed when they do not end.
    """
    schedule, request = Schedule(rate, seconds), place.head("GET", "/1k")
    latencies: list[float] = []
    with Watched(place, connections) as watched:
        idle, due, now, started = deque(watched.wires), deque[float](), 0.0, time.perf_counter()
        while len(latencies) < schedule.total:
            now = time.perf_counter() - started
            due.extend(schedule.take(now))
            while due and idle:
                idle.pop().send(request, due.popleft())
            ready = watched.ready(0)
            answered = [wire for wire in ready if wire.is_answered()]
            now = time.perf_counter() - started
            latencies += (now - wire.since for wire in answered)
            idle.extend(answered)
            if not ready:
                time.sleep(PAUSE_SECONDS)
            if now > seconds + LATE_SECONDS:
                raise Failed(f"{rate:.0f} requests a second are more than it carries")
        return load_of(latencies, now)
