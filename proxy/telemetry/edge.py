"""What the edge counts and how its upstreams stand, read when somebody scrapes: requests pay nothing for it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamFigures:
    """One upstream: `prefix` is empty for the one that everything else goes to, `failures` by reason.

    `is_up`: the last connect succeeded, or none was tried yet.
    """

    name: str
    prefix: str
    is_up: bool
    failures: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFigures:
    """The edge at one moment."""

    connections: int = 0
    refused_connections: int = 0
    upstreams: tuple[UpstreamFigures, ...] = field(default=())


class EdgeCollector(Collector):
    """`read` is set by whoever has an edge; before that there is none."""

    def __init__(self) -> None:
        self.read: Callable[[], EdgeFigures] = EdgeFigures

    def collect(self) -> Iterator[Metric]:
        figures = self.read()
        yield GaugeMetricFamily(
            "muster_connections", "Client connections that are open.", value=figures.connections
        )
        yield CounterMetricFamily(
            "muster_connections_refused",
            "Client connections closed at once: too many, or not from a trusted proxy.",
            value=figures.refused_connections,
        )
        up = GaugeMetricFamily(
            "muster_upstream_up", "0 while connecting to this upstream fails.", labels=("upstream", "prefix")
        )
        failures = CounterMetricFamily(
            "muster_upstream_failures",
            "Requests that an upstream failed, by reason.",
            labels=("upstream", "prefix", "reason"),
        )
        for one in figures.upstreams:
            up.add_metric((one.name, one.prefix), one.is_up)
            for reason, count in sorted(one.failures.items()):
                failures.add_metric((one.name, one.prefix, reason), count)
        yield up
        yield failures
