"""How the edge stands at this moment, for operators: its upstreams beside readiness, and its figures for the metrics."""

from dataclasses import dataclass
from typing import Protocol

from proxy.edge.listener import Listener
from proxy.telemetry.edge import EdgeFigures, UpstreamFigures


class Inner(Protocol):
    """Whether requests can be served; never raises."""

    async def ready(self) -> tuple[bool, dict[str, str]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WithUpstreams:
    """Readiness with a word about each upstream, which makes nobody unready: a restart would not help it.

    A listener that drains does: whoever chooses among several must choose another.
    """

    inner: Inner
    listener: Listener

    async def ready(self) -> tuple[bool, dict[str, str]]:
        """Yes or no, and a word about each part."""
        is_ready, parts = await self.inner.ready()
        accepts = self.listener.is_accepting
        word = {} if accepts else {"listener": "accepts nobody: it begins or ends"}
        return is_ready and accepts, parts | word | upstream_words(self.listener)


def upstream_words(listener: Listener) -> dict[str, str]:
    """`ok`, or why the last connect failed, by `upstream` and `upstream /prefix`."""
    return {
        f"upstream {prefix.decode('ascii')}".strip(): "ok" if pool.fault is None else pool.fault.detail
        for prefix, pool in listener.pools
    }


def edge_figures(listener: Listener) -> EdgeFigures:
    """For whoever scrapes."""
    return EdgeFigures(
        connections=listener.connections,
        refused_connections=listener.figures.refused_connections,
        upstreams=tuple(
            UpstreamFigures(
                name=pool.rules.name,
                prefix=prefix.decode("ascii"),
                is_up=pool.fault is None,
                failures={reason.value: count for reason, count in pool.failures.items()},
            )
            for prefix, pool in listener.pools
        ),
    )
