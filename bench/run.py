"""The side-by-side measurement: `python -m bench.run`, or `make bench`. docs/bench.md says what the figures mean.

Interleaved: every round of a scenario measures every proxy once, so that what the machine does meanwhile hits all alike. What
is not installed is named and left out. Prints tables and goals, and writes `bench/out/latest.json`.
"""

import contextlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from bench import options, processes, scenarios
from bench.apache import mod_auth_openidc
from bench.cores import allowed, leave_it, measured_core
from bench.envoy import envoy
from bench.figures import Run, run_of
from bench.forward_auth import asking
from bench.nginx import nginx_proxy, nginx_upstream
from bench.people import Idp, demo_idp, oidc_provider
from bench.scenarios import SCENARIOS, Scenario, Terms
from bench.signed_in import muster
from bench.signed_out import caddy, haproxy, plain_aiohttp
from bench.table import MUSTER, NGINX, Goal, get_goals, idle_goal, rate_goal, table
from bench.targets import ROOT, NotHere, Start, Target, has_access_line, is_answering

SIGNED_OUT: Final = {NGINX: nginx_proxy, "HAProxy": haproxy, "Caddy": caddy, "aiohttp": plain_aiohttp}
SIGNED_IN: Final = {"Envoy oauth2": envoy, "mod_auth_openidc": mod_auth_openidc, MUSTER: muster}
LEAST_RATE_ROUNDS: Final = 5
NEEDED: Final = {"wrk": "wrk", "nginx": "nginx-light"}
FOOT: Final = """\
One core each, all on the same one, load and app on the others; {log}. Neither nginx, HAProxy, Caddy nor aiohttp sign anybody in;
the other three are signed in through oidc-provider. Muster is `muster serve` as shipped, its session in SQLite. In batches are
the lines of all but HAProxy (each at once, to its standard output), Caddy and aiohttp. docs/bench.md says how to read this."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """What runs, and what was found so far. `runs` are kept only of those who answered in every round."""

    asked: options.Options
    terms: Terms
    upstream: int
    idp: Idp
    targets: list[Target] = field(default_factory=list)
    found: dict[str, dict[str, list[Run]]] = field(default_factory=dict)
    idle_mib: float | None = None

    def measure(self, scenario: Scenario, targets: Sequence[Target], rounds: int) -> dict[str, list[Run]]:
        """So many rounds; a proxy that does not answer as it should is named and left out from there on."""
        runs: dict[str, list[Run]] = {target.name: [] for target in targets}
        for _ in range(rounds):
            for target in [target for target in targets if target.name in runs]:
                try:
                    runs[target.name].append(_measured(scenario, target, self.terms))
                except ValueError as error:
                    say(f"{target.name} is left out of {scenario.key}: {str(error)[-600:]}")
                    del runs[target.name]
        self.found[scenario.key] = runs
        return runs

    def named(self, *names: str) -> list[Target]:
        """Those of these names that run."""
        return [target for target in self.targets if target.name in names]


def say(text: str) -> None:
    """To whoever watches; tables go to standard output."""
    print(text, file=sys.stderr, flush=True)


def _measured(scenario: Scenario, target: Target, terms: Terms) -> Run:
    before = processes.cpu_seconds(target.pids)
    load = scenario.bear(target, terms)
    spent = processes.cpu_seconds(target.pids) - before
    return run_of(load, cpu_seconds=spent, rss_mib=processes.rss_mib(target.pids))


def missing() -> list[str]:
    """The packages without which there is nothing to measure."""
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    return [package for name, package in NEEDED.items() if shutil.which(name, path=path) is None]


@contextlib.contextmanager
def started(asked: options.Options) -> Iterator[Bench]:
    """App, IdP and all the proxies that there are."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-bench-")))
        directory.chmod(0o755)
        terms = Terms(seconds=asked.seconds, stream_mib=asked.stream_mib, directory=directory)
        upstream = stack.enter_context(nginx_upstream(directory, big=asked.stream_mib * scenarios.MIB))
        idp, starts = _who_signs_in(stack, directory)
        bench = Bench(asked=asked, terms=terms, upstream=upstream, idp=idp)
        for name, start in {**SIGNED_OUT, **starts}.items():
            if asked.is_wanted(name):
                _enter(stack, bench, name, start)
        yield bench


def _who_signs_in(stack: contextlib.ExitStack, directory: Path) -> tuple[Idp, dict[str, Start]]:
    """An IdP, and those who sign in there: without oidc-provider Muster alone, at the demonstration's."""
    try:
        idp = stack.enter_context(oidc_provider(directory))
    except NotHere as error:
        say(f"nobody is signed in but to Muster, at the demonstration's IdP: {error}")
        idp = stack.enter_context(demo_idp())
        return idp, {MUSTER: partial(muster, idp)}
    return idp, {name: partial(start, idp) for name, start in SIGNED_IN.items()}


def _enter(stack: contextlib.ExitStack, bench: Bench, name: str, start: Start) -> None:
    try:
        target = stack.enter_context(start(bench.upstream, bench.terms.directory))
    except (NotHere, RuntimeError) as error:
        say(f"{name} is left out: {error}")
        return
    if not is_answering(target):
        say(f"{name} is left out: it does not bring the app's answer")
        return
    if name == MUSTER:
        bench.idle_mib = processes.rss_mib(target.pids)
    bench.targets.append(target)
    SCENARIOS[0].bear(target, bench.terms)


def play(bench: Bench) -> list[Goal]:
    """Every scenario that was asked for, each with its table; the goals that it decides."""
    goals = [idle_goal(bench.idle_mib)]
    for scenario in SCENARIOS:
        if scenario.key in bench.asked.only:
            rounds = 1 if scenario.is_bulk else bench.asked.rounds
            runs = bench.measure(scenario, bench.targets, rounds)
            _show(scenario.title.format(size=f"{bench.asked.stream_mib} MiB"), runs, is_bulk=scenario.is_bulk)
            goals += get_goals(runs) if scenario.key == scenarios.GET else []
    if scenarios.RATE in bench.asked.only:
        goals += _play_rate(bench)
    if scenarios.FORWARD_AUTH in bench.asked.only:
        _play_forward_auth(bench)
    return goals


def _show(title: str, runs: dict[str, list[Run]], *, is_bulk: bool = False) -> None:
    print(f"\n{title}\n\n{table(runs, is_bulk=is_bulk)}", flush=True)


def _play_rate(bench: Bench) -> list[Goal]:
    """nginx and Muster in turns, at half of what Muster carries just now."""
    ours = bench.named(MUSTER)
    if not ours:
        return [rate_goal({})]
    capacity = _measured(SCENARIOS[0], ours[0], bench.terms).rps
    title = f"GET 1 KiB at a fixed rate of {capacity / 2:.0f} requests/s (open loop), 64 connections"
    scenario = Scenario(key=scenarios.RATE, title=title, bear=scenarios.at_rate(capacity / 2))
    runs = bench.measure(scenario, bench.named(NGINX, MUSTER), max(LEAST_RATE_ROUNDS, bench.asked.rounds))
    _show(title, runs)
    return [rate_goal(runs)]


def _play_forward_auth(bench: Bench) -> None:
    """nginx alone and asking, in turns."""
    title = "GET 1 KiB through nginx alone and asking Muster (forward-auth), 64 connections"
    scenario = Scenario(key=scenarios.FORWARD_AUTH, title=title, bear=SCENARIOS[0].bear)
    with asking(bench.idp, bench.upstream, bench.terms.directory) as target:
        scenario.bear(target, bench.terms)
        runs = bench.measure(scenario, [*bench.named(NGINX), target], bench.asked.rounds)
    _show(title, runs)


def machine() -> str:
    """What it was measured on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    kernel = f"Linux {platform.release().partition('-')[0]}"
    python = f"Python {platform.python_version()}"
    return f"{len(allowed())} cores, {cpu}, {kernel}, {python}; load {os.getloadavg()[0]:.1f} before"


def save(bench: Bench, goals: Sequence[Goal], shape: str) -> Path:
    """Writes every run for whoever compares them later."""
    out = ROOT / "bench" / "out" / "latest.json"
    out.parent.mkdir(exist_ok=True)
    runs = {
        key: {name: [asdict(run) for run in own] for name, own in those.items()}
        for key, those in bench.found.items()
    }
    held = [{"goal": goal.text, "figure": goal.figure, "held": goal.is_held} for goal in goals]
    asked = {
        "seconds": bench.asked.seconds,
        "rounds": bench.asked.rounds,
        "stream_mib": bench.asked.stream_mib,
    }
    out.write_text(json.dumps({"machine": shape, **asked, "runs": runs, "goals": held}, indent=2) + "\n")
    return out


def main() -> int:
    """0 after a measurement, 1 when something needed is not there, 2 when it was asked for what there is not."""
    if absent := missing():
        say(f"bench needs {' and '.join(absent)}: apt-get install {' '.join(absent)}")
        return 1
    try:
        asked = options.read(os.environ)
    except options.BadOption as error:
        say(str(error))
        return 2
    shape, begun = machine(), time.monotonic()
    leave_it()
    print(
        f"{shape}\nmedians of {asked.rounds} interleaved runs of {asked.seconds:g} s; bodies of {asked.stream_mib} MiB, once"
    )
    with started(asked) as bench:
        goals = play(bench)
    print("\n" + "\n".join(goal.line() for goal in goals))
    log = "each writes an access line a request to a file" if has_access_line() else "no access lines"
    cores = (
        "" if measured_core() is not None else "This machine has one core: load, app and proxy share it.\n"
    )
    print(f"\n{cores}{FOOT.format(log=log)}")
    print(f"written: {save(bench, goals, shape).relative_to(ROOT)}, after {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
