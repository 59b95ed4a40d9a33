"""A look at 10,000 members in 200 groups, twice: `python -m proof.full_look [MEMBERS GROUPS]`. Exit 1 when it does not hold.

The app runs in a process of its own, and so does the sweep, whose time and memory are measured: under 60 s and 200 MiB. Some
people were edited by hand in the app: those edits are undone. The second look makes no call that changes anything.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proof.memory import peak_mib
from proof.scene import app_process, changing, control, courier_between, fill, rules_for
from proxy.provisioning.report import Kind, Report
from proxy.provisioning.sweep import Sweep

SECONDS, MIB = 60.0, 200.0
DRIFT, GUESTS = 600, 50


async def look(path: Path, url: str, groups: int) -> dict[str, Any]:
    """One sweep in this process, with its figures."""
    last = 0.0

    def progress(what: str, done: int, whole: int) -> None:
        nonlocal last
        if time.monotonic() - last > 1.0 or done == whole:
            last = time.monotonic()
            print(f"  {what}: {done} of {whole}", file=sys.stderr, flush=True)

    async with courier_between(path, url, rules_for(groups)) as (_, courier):
        running = asyncio.create_task(courier.run())
        started = time.monotonic()
        report = await Sweep(lambda: courier.kit, courier.wake).everybody(is_dry_run=False, progress=progress)
        seconds = time.monotonic() - started
        await courier.stop()
        await running
    assert isinstance(report, Report), report
    return {
        "seconds": round(seconds, 1),
        "looked_at": report.looked_at,
        "agree": report.agree,
        **{kind.value: report.count(kind) for kind in Kind},
    }


def _measured(path: Path, url: str, groups: int) -> dict[str, Any]:
    """The figures of a sweep in a process of its own, with its peak memory and what it asked of the app."""
    before = control(url)["calls"]
    command = [sys.executable, "-m", "proof.full_look", "--look", str(path), url, str(groups)]
    figures: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    after = control(url)["calls"]
    figures["reads"] = after.get("GET", 0) - before.get("GET", 0)
    figures["changing_calls"] = changing(after) - changing(before)
    return figures


def prove(members: int, groups: int, folder: Path) -> bool:
    path, drift = folder / "muster.db", min(DRIFT, members // 4)
    asyncio.run(fill(path, members, groups, time.time() - 3600))
    with app_process(members=members, groups=groups, drift=drift, guests=GUESTS) as url:
        first = _measured(path, url, groups)
        print(f"first look:  {json.dumps(first)}")
        second = _measured(path, url, groups)
        print(f"second look: {json.dumps(second)}")
    expected = sum(1 for person in range(1, drift + 1) if person % 3)
    is_right = first["change"] == expected == first["changing_calls"] and first["held"] == 0
    is_quiet = second["changing_calls"] == 0 and second["change"] == 0
    is_small = all(one["seconds"] < SECONDS and one["mib"] <= MIB for one in (first, second))
    print(
        f"{expected} edits undone: {is_right}; second look changes nothing: {is_quiet}; within limits: {is_small}"
    )
    return is_right and is_quiet and is_small


def main(argv: Sequence[str]) -> int:
    """0 when it holds."""
    if argv[:1] == ["--look"]:
        figures = asyncio.run(look(Path(argv[1]), argv[2], int(argv[3])))
        print(json.dumps(figures | {"mib": round(peak_mib_here(), 1)}))
        return 0
    members, groups = (int(one) for one in argv) if argv else (10_000, 200)
    with tempfile.TemporaryDirectory(prefix="muster-proof-") as folder:
        return 0 if prove(members, groups, Path(folder)) else 1


def peak_mib_here() -> float:
    return peak_mib(os.getpid())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
