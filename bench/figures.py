"""What a run showed, and medians of runs. Pure: milliseconds, microseconds, MiB."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load generator saw. `requests` are those answered as they should be; `bytes_moved` counts bodies."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    bytes_moved: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: what the generator saw, and what the proxy's processes spent on it."""

    cpu_us: float
    rps: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    rss_mib: float
    mib_per_s: float = 0.0


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The least value that at least `percent` of them do not exceed (nearest rank). `ordered` ascends and is not empty."""
    rank = math.ceil(round(percent * len(ordered) / 100, 9))
    return ordered[max(0, min(len(ordered), rank) - 1)]


def load_of(latencies: Sequence[float], seconds: float, bytes_moved: int = 0) -> Load:
    """From each request's latency, in seconds."""
    ordered = sorted(latencies)
    return Load(
        requests=len(ordered),
        seconds=seconds,
        p50_ms=percentile(ordered, 50) * 1000,
        p99_ms=percentile(ordered, 99) * 1000,
        p999_ms=percentile(ordered, 99.9) * 1000,
        bytes_moved=bytes_moved,
    )


def run_of(load: Load, *, cpu_seconds: float, rss_mib: float) -> Run:
    """A load and what it cost."""
    return Run(
        cpu_us=cpu_seconds * 1e6 / load.requests,
        rps=load.requests / load.seconds,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        p999_ms=load.p999_ms,
        rss_mib=rss_mib,
        mib_per_s=load.bytes_moved / 2**20 / load.seconds,
    )


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure on its own."""
    names = [field.name for field in fields(Run)]
    return Run(**{name: statistics.median(getattr(run, name) for run in runs) for name in names})
