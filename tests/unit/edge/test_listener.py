"""The listener's own duties; the exchanges over real sockets are in `tests/conformance/edge`."""

import socket

import pytest

from proxy.edge.listener import Listener
from proxy.edge.plane import Neighbours
from proxy.edge.rules import Limits, UpstreamRules
from tests.fakes.edge import FIELDS, FakeAccess, FakeAnswers, FakeGate, no_own_pages


def _listener(reported: list[BaseException], access: FakeAccess | None = None) -> Listener:
    def report(error: BaseException) -> str:
        reported.append(error)
        return "id"

    neighbours = Neighbours(
        gate=FakeGate(), answers=FakeAnswers(), connect_own=no_own_pages, access=access, report=report
    )
    rules = UpstreamRules(host="127.0.0.1", port=9)
    return Listener(neighbours, upstream=rules, fields=FIELDS, limits=Limits(tick=0.005, drain_timeout=0.1))


async def test_it_listens_on_several_addresses_and_on_a_given_socket() -> None:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        listener = _listener([])
        bound = await listener.start([("127.0.0.1", 0), own])
        assert len(bound) == 2
        assert bound[1] == own.getsockname()
        await listener.drain()


async def test_an_address_in_use_is_an_error_before_anything_is_served() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listener = _listener([])
        with pytest.raises(OSError, match="in use"):
            await listener.start([taken.getsockname()])


async def test_draining_twice_is_harmless() -> None:
    listener = _listener([])
    await listener.start([("127.0.0.1", 0)])
    await listener.drain()
    await listener.drain()
    assert listener.connections == 0
