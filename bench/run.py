"""The side-by-side measurement: `python -m bench.run`. BENCH_SECONDS per run (default 3), BENCH_RUNS rounds (default 5).
With BENCH_FRESH=1 no request line and no answer's head comes twice: what nothing that is remembered can make cheaper.

Interleaved: every round measures every target once, so that what the machine does meanwhile hits all alike. Prints a table and
writes `bench/out/latest.json`.
"""

import contextlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench.measure import FRESH_SCRIPT, Run, median, run_wrk
from bench.signed_in import muster
from bench.targets import (
    ROOT,
    Start,
    Target,
    edge_only,
    has_access_line,
    is_answering,
    nginx_proxy,
    nginx_upstream,
    plain_aiohttp,
)

CONNECTIONS = 64
IS_FRESH = os.environ.get("BENCH_FRESH", "0") != "0"
SCENARIO = "GET 1 KiB, 64 keep-alive connections" + (", every request and answer new" if IS_FRESH else "")
STARTS: tuple[Start, ...] = (nginx_proxy, plain_aiohttp, edge_only, muster)
NEEDED = ("wrk", "nginx")
FOOT = """\
nginx:   one worker, proxy_pass with keep-alive, no sign-in; {log}, in batches (buffer=64k flush=1s)
aiohttp: bench/plain_proxy.py as people write it, on asyncio's own loop, no sign-in; {log}, a line at a time (logging)
edge:    the data plane alone, on uvloop, one session cached; {log}, in batches
muster:  `muster serve` as shipped, signed in through the demo IdP, session in SQLite; {log}, in batches"""


def missing() -> list[str]:
    """The programs that are not on this machine."""
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    return [name for name in NEEDED if shutil.which(name, path=path) is None]


def measure(starts: tuple[Start, ...], *, seconds: float, rounds: int) -> dict[str, Run]:
    """The median run of each target."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-bench-")))
        upstream = stack.enter_context(nginx_upstream(directory))
        script = _script(directory)
        targets = [stack.enter_context(start(upstream, directory)) for start in starts]
        runs: dict[str, list[Run]] = {target.name: [] for target in targets}
        for target in targets:
            _warm(target)
        for _ in range(rounds):
            for target in targets:
                runs[target.name].append(
                    run_wrk(target, seconds=seconds, connections=CONNECTIONS, script=script)
                )
    return {name: median(those) for name, those in runs.items()}


def _script(directory: Path) -> Path | None:
    if not IS_FRESH:
        return None
    script = directory / "fresh.lua"
    script.write_text(FRESH_SCRIPT)
    return script


def _warm(target: Target) -> None:
    if not is_answering(target):
        raise RuntimeError(f"{target.name} does not bring the upstream's answer")
    run_wrk(target, seconds=1, connections=CONNECTIONS)


def table(results: dict[str, Run]) -> str:
    """The figures, and each one's CPU against nginx's."""
    base = results["nginx"].cpu_us
    lines = [f"{'proxy':<10}{'CPU µs':>9}{'× nginx':>9}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'RSS MiB':>9}"]
    lines += (
        f"{name:<10}{run.cpu_us:>9.1f}{run.cpu_us / base:>9.2f}{run.rps:>9.0f}{run.p50_ms:>9.2f}{run.p99_ms:>9.2f}"
        f"{run.rss_mib:>9.1f}"
        for name, run in results.items()
    )
    return "\n".join(lines)


def save(results: dict[str, Run]) -> Path:
    """Writes the figures for whoever compares them later."""
    out = ROOT / "bench" / "out" / "latest.json"
    out.parent.mkdir(exist_ok=True)
    rows = [
        {
            "scenario": SCENARIO,
            "name": name,
            **{f: round(getattr(run, f), 3) for f in Run.__dataclass_fields__},
        }
        for name, run in results.items()
    ]
    out.write_text(json.dumps(rows, indent=2) + "\n")
    return out


def main() -> int:
    """0 after a measurement, 1 when something needed is not there."""
    absent = missing()
    if absent:
        print(f"bench needs {' and '.join(absent)}: apt-get install wrk nginx-light", file=sys.stderr)
        return 1
    seconds = float(os.environ.get("BENCH_SECONDS", "3"))
    rounds = max(1, int(os.environ.get("BENCH_RUNS", "5")))
    results = measure(STARTS, seconds=seconds, rounds=rounds)
    print(f"{SCENARIO}; one process each, median of {rounds} interleaved runs of {seconds:g} s")
    print(table(results))
    print(FOOT.format(log="an access line a request to a file" if has_access_line() else "no access lines"))
    print(f"written: {save(results).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
