"""A connection, whatever is said on it: who the client is, and how it ends. Over sockets: tests/conformance/edge."""

import asyncio
import ipaddress
import socket
import struct
from typing import cast

import pytest

from proxy.edge.client import ClientConnection
from proxy.edge.rules import Limits
from proxy.edge.trust import Trust
from tests.fakes.still import FakeTransport, StillEdge

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
PREAMBLE = b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n"
HERE = Trust([ipaddress.ip_network("192.0.2.0/24")])


def behind_a_balancer(**limits: float) -> StillEdge:
    edge = StillEdge(limits=Limits(**limits))  # type: ignore[arg-type]  # a test's shorthand
    edge.plane.trust, edge.plane.expects_preamble = HERE, True
    edge.client, edge.transport = edge.connect()
    return edge


def test_the_peer_is_whom_the_proxy_protocol_names() -> None:
    edge = behind_a_balancer()
    edge.send(PREAMBLE[:10], PREAMBLE[10:] + GET)
    assert edge.client.peer == "203.0.113.9"
    assert [request.peer for request in edge.gate.requests] == ["203.0.113.9"]


def test_a_preamble_that_does_not_come_in_time_ends_the_connection() -> None:
    edge = behind_a_balancer(header_timeout=10)
    edge.send(PREAMBLE[:10])
    edge.later(11)
    assert edge.transport.is_aborted


@pytest.mark.parametrize("data", [GET, b"\x16\x03\x01\x02\x00"])
def test_whatever_is_no_preamble_ends_the_connection(data: bytes) -> None:
    edge = behind_a_balancer()
    edge.send(data)
    assert edge.transport.is_aborted
    assert edge.gate.requests == []


@pytest.mark.parametrize("is_balanced", [False, True])
def test_nobody_gives_way_to_somebody_who_is_refused_anyhow(is_balanced: bool) -> None:
    """Else whoever has all the connections it may have could close everybody's by asking for more."""
    edge = StillEdge(limits=Limits(connections=1, connections_per_client=1))
    edge.plane.expects_preamble = is_balanced
    edge.later(5)
    _, refused = edge.connect()
    assert refused.is_aborted
    assert not edge.transport.is_closing()
    assert edge.plane.figures.refused_connections == 1


class Nameless(FakeTransport):
    """A connection that was reset before anybody looked: its peer's address cannot be had any more."""

    def get_extra_info(self, name: str) -> object:
        return None


@pytest.mark.parametrize("is_balanced", [False, True])
def test_a_peer_without_an_address_is_nobody_and_least_of_all_trusted(is_balanced: bool) -> None:
    edge = behind_a_balancer() if is_balanced else StillEdge(trust=HERE)
    client, transport = ClientConnection(edge.plane), Nameless()
    client.connection_made(cast(asyncio.BaseTransport, transport))
    client.data_received(PREAMBLE * is_balanced + GET)
    assert transport.is_aborted
    assert not client.is_trusted
    assert edge.gate.requests == []
    assert client not in edge.plane.clients


class Sealed(FakeTransport):
    """A connection over TLS: what it tells of its buffer is not all that waits. The kernel knows of the rest."""

    family = socket.AF_UNIX  # has no reset to be set for

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged = self.unsent = 0
        self.is_gone = False

    def get_extra_info(self, name: str) -> object:
        if name == "peername":
            return super().get_extra_info(name)
        return None if name == "socket" and self.is_gone else self

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        told = bytearray(192)
        struct.pack_into("=Q", told, 120, self.acknowledged)
        struct.pack_into("=I", told, 144, self.unsent)
        return bytes(told)[:size]


def sealed(edge: StillEdge) -> Sealed:
    """The edge's client is a new one, over TLS."""
    edge.client.connection_lost(None)
    edge.client, edge.transport = ClientConnection(edge.plane), (transport := Sealed())
    edge.client.connection_made(cast(asyncio.BaseTransport, transport))
    return transport


def test_over_tls_a_reader_is_judged_by_what_it_took_of_all_that_waits() -> None:
    """The transport's own buffer stands still for as long as the one below it is emptied."""
    edge = StillEdge()
    transport = sealed(edge)
    edge.send(GET)
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nabc")
    transport.buffered, transport.acknowledged = 600_000, 5000
    edge.client.pause_writing()
    for _ in range(3):
        transport.acknowledged += edge.limits.least_read
        edge.later(edge.limits.write_timeout + 1)
        assert not transport.is_closing()
    transport.acknowledged += edge.limits.least_read - 1
    edge.later(edge.limits.write_timeout + 1)
    assert transport.is_aborted


def test_over_tls_nobody_gives_way_whose_answer_the_kernel_still_has() -> None:
    edge = StillEdge()
    transport = sealed(edge)
    edge.send(GET)
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    transport.unsent = 1
    assert not edge.client.give_way()
    assert not transport.is_closing()
    transport.unsent = 0
    assert edge.client.give_way()
    assert transport.is_aborted


@pytest.mark.parametrize("is_sealed", [False, True])
def test_who_still_reads_the_last_answer_is_not_cut_off(is_sealed: bool) -> None:
    edge = StillEdge()
    transport = sealed(edge) if is_sealed else edge.transport
    edge.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    least = edge.limits.least_read
    transport.buffered = 10 * least
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert transport.is_closed
    for _ in range(3):
        transport.buffered -= least
        edge.later(edge.limits.write_timeout + 1)
        assert not transport.is_aborted
    edge.later(edge.limits.write_timeout + 1)
    assert transport.is_aborted


def test_who_has_all_its_answers_holds_no_drain_for_long() -> None:
    edge = StillEdge()
    transport = sealed(edge)
    edge.client.drain()
    assert transport.is_closed
    edge.later(edge.limits.linger + 1)
    assert transport.is_aborted


def test_who_still_reads_its_answer_has_the_time_for_it_in_a_drain() -> None:
    edge = StillEdge()
    transport = sealed(edge)
    edge.send(GET)
    edge.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    transport.unsent = 1
    edge.client.drain()
    edge.later(edge.limits.linger + 1)
    assert transport.is_closed
    assert not transport.is_aborted


def test_over_tls_a_connection_that_is_gone_below_is_ended_like_any_other() -> None:
    """For a turn of the loop the transport has no socket any more, and nobody was told."""
    edge = StillEdge()
    transport = sealed(edge)
    edge.client.drain()
    transport.is_gone, transport.buffered = True, 1
    edge.later(edge.limits.write_timeout + 1)
    assert transport.is_aborted
