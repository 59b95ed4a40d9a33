"""One run of wrk against a target: CPU of the proxy from /proc, requests and latencies from wrk."""

import os
import re
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.targets import Target

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run showed. Milliseconds, microseconds, MiB."""

    cpu_us: float
    rps: float
    p50_ms: float
    p99_ms: float
    rss_mib: float


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of processes so far (proc(5), fields 14 and 15)."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def rss_mib(pids: Sequence[int]) -> float:
    """Resident memory now."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * PAGE / 2**20


FRESH_SCRIPT = """
local number = 0
request = function()
  number = number + 1
  return wrk.format("GET", "/fresh/1k?n=" .. number)
end
"""
"""No request line comes twice; below `/fresh/` the upstream gives every answer an id of its own."""


def run_wrk(target: Target, *, seconds: float, connections: int, script: Path | None = None) -> Run:
    """One run. Raises RuntimeError when an answer was not 2xx or a connection failed: that would be no measurement."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
    for name, value in target.headers.items():
        command += ["-H", f"{name}: {value}"]
    if script is not None:
        command += ["-s", str(script)]
    before = cpu_seconds(target.pids)
    output = subprocess.run([*command, target.url], capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(target.pids) - before
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"{target.name}: {output}")
    requests = int(_found(r"(\d+) requests in", output))
    return Run(
        cpu_us=spent * 1e6 / requests,
        rps=float(_found(r"Requests/sec:\s+([\d.]+)", output)),
        p50_ms=_milliseconds(_found(r"\n\s+50%\s+(\S+)", output)),
        p99_ms=_milliseconds(_found(r"\n\s+99%\s+(\S+)", output)),
        rss_mib=rss_mib(target.pids),
    )


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure on its own."""
    names = Run.__dataclass_fields__
    return Run(**{name: statistics.median(getattr(run, name) for run in runs) for name in names})


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk said something unexpected: {text}")
    return match[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]  # wrk's own format
    return float(number) * _UNITS[unit]
