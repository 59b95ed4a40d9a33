"""A connection, whatever is said on it: who the client is, and how it ends. Over sockets: tests/conformance/edge."""

import ipaddress

import pytest

from proxy.edge.rules import Limits
from proxy.edge.trust import Trust
from tests.fakes.still import StillEdge

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
