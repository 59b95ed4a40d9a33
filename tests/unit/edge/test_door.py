"""Who may begin a TLS handshake, and accepting itself; what comes of handshakes is in conformance/edge/test_tls.py."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from proxy.edge.door import Door, Entrant
from proxy.edge.rules import Limits
from tests.fakes.still import StillEdge

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
PEER = "192.0.2.1"


@contextmanager
def entrant(edge: StillEdge) -> Iterator[tuple[Entrant, socket.socket]]:
    """One who came from the still edge's own address, and its socket."""
    near, far = socket.socketpair()
    with closing(near), closing(far):
        came = Entrant(edge.plane, near, PEER)
        came.begin(TLS)
        yield came, near


def test_whoever_comes_shakes_hands_and_is_counted() -> None:
    edge = StillEdge(limits=Limits(connections_per_client=2))
    with entrant(edge) as (came, _):
        assert list(edge.plane.entrants.values()) == [came]
        assert len(edge.loop.tasks) == 1
        with entrant(edge) as (_, second):
            assert second.fileno() == -1, "one is a client, one shakes hands"
        came.leave()
        came.leave()
        with entrant(edge) as (_, third):
            assert third.fileno() != -1
    assert edge.plane.figures.refused_connections == 1


@pytest.mark.parametrize(
    "limits", [Limits(connections=1), Limits(connections_per_client=1)], ids=["in all", "of one client"]
)
def test_whoever_comes_when_there_are_too_many_is_turned_away(limits: Limits) -> None:
    """The still edge has one client already, from the same address."""
    edge = StillEdge(limits=limits)
    with entrant(edge) as (_, came):
        assert came.fileno() == -1
    assert not edge.loop.tasks
    assert not edge.plane.entrants
    assert edge.plane.figures.refused_connections == 1


def test_nobody_gives_way_to_somebody_who_is_refused_anyhow() -> None:
    edge = StillEdge(limits=Limits(connections=1, connections_per_client=1))
    edge.later(5)
    with entrant(edge) as (_, came):
        assert came.fileno() == -1
    assert not edge.transport.is_closing()


def test_who_is_turned_away_for_want_of_room_is_not_counted_on() -> None:
    edge = StillEdge(limits=Limits(connections=1, connections_per_client=9))
    edge.client.connection_lost(None)
    with entrant(edge), entrant(edge) as (_, second):
        assert second.fileno() == -1
        next(iter(edge.plane.entrants.values())).leave()
    assert len(edge.plane.crowd) == 0


def test_whoever_comes_when_the_listener_shuts_is_turned_away() -> None:
    edge = StillEdge()
    edge.plane.is_shut = True
    with entrant(edge) as (_, came):
        assert came.fileno() == -1


def test_breaking_off_ends_the_connection_and_may_come_too_late() -> None:
    with entrant(StillEdge()) as (came, near):
        came.abort()
        assert near.recv(1) == b""
    came.abort()


class Scarce(socket.socket):
    """A listening socket while no file can be opened, and after that nobody is there."""

    failures: list[OSError]

    def accept(self) -> Any:
        raise self.failures.pop(0) if self.failures else BlockingIOError()


class Readers:
    """A loop's readers and timers, kept."""

    def __init__(self) -> None:
        self.reading: list[Callable[[], None]] = []
        self.later: list[Callable[[], None]] = []

    def add_reader(self, _: object, call: Callable[[], None]) -> None:
        self.reading.append(call)

    def remove_reader(self, _: object) -> None:
        self.reading.clear()

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self.later.append(call)

    def time(self) -> float:
        return 0.0


def test_without_a_file_to_open_it_waits_a_while_says_so_and_goes_on() -> None:
    edge, loop = StillEdge(), Readers()
    edge.plane.loop = loop  # type: ignore[assignment]  # what a door asks of one
    with Scarce() as listening:
        listening.failures = [ConnectionAbortedError(), OSError(errno.EMFILE, "too many open files")]
        listening.bind(("127.0.0.1", 0))
        door = Door(edge.plane, TLS, listening, 1)
        loop.reading[0]()
        assert loop.reading == []
        assert [type(error) for error in edge.reported] == [OSError]
        loop.later.pop()()
        loop.reading[0]()
        assert len(edge.reported) == 1
        assert (door.is_serving(), door.sockets) == (True, (listening,))
        door.close()
        door.close()
        assert (door.is_serving(), door.sockets, loop.reading) == (False, (), [])


async def test_it_accepts_as_soon_as_somebody_comes() -> None:
    edge = StillEdge(limits=Limits(connections=1))
    edge.plane.loop = asyncio.get_running_loop()
    listening = socket.create_server(("127.0.0.1", 0))
    door = Door(edge.plane, TLS, listening, 1)
    try:
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        assert await asyncio.wait_for(reader.read(), 5) == b"", "one is a client already"
        writer.close()
    finally:
        door.close()
    assert edge.plane.figures.refused_connections == 1
