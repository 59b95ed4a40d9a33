"""The coarse clock and the counters."""

from proxy.edge.plane import Figures
from proxy.edge.rules import Limits
from tests.fakes.still import StillEdge


def test_counters_begin_at_nought() -> None:
    figures = Figures()
    assert {getattr(figures, name) for name in Figures.__slots__} == {0}


def test_a_tick_moves_the_clock_and_writes_the_date() -> None:
    edge = StillEdge()
    before = edge.plane.now
    edge.plane.date = b""
    edge.later(5.0)
    assert edge.plane.now == before + 5.0
    assert edge.plane.date.endswith(b" GMT")


def test_a_tick_ends_only_what_is_overdue() -> None:
    edge = StillEdge()
    _, first = edge.client, edge.transport
    edge.later(6.0)
    _, second = edge.connect()
    edge.later(5.0)
    assert first.is_closed
    assert not second.is_closed


def test_no_deadline_comes_early_however_old_the_coarse_clock_is() -> None:
    edge = StillEdge(limits=Limits(header_timeout=0.3))
    edge.loop.now += 0.49
    _, late = edge.connect()
    edge.loop.now += 0.01
    edge.plane.tick()
    assert not late.is_closed, "10 ms old, and 300 ms are allowed"
    edge.loop.now += 0.5
    edge.plane.tick()
    assert late.is_closed
