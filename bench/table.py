"""The figures as tables (Markdown, aligned), and the goals with whether each held. Pure."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import Run, median

Runs = Mapping[str, Sequence[Run]]
"""By the proxy's name: one run a round, so that the same place in two of them is the same minute."""

NGINX: Final = "nginx"
ENVOY: Final = "Envoy oauth2"
APACHE: Final = "mod_auth_openidc"
MUSTER: Final = "Muster"
P99_GOAL_MS: Final = 2.0
IDLE_GOAL_MIB: Final = 90.0


def paired(runs: Runs, name: str, other: str, compare: Callable[[Run, Run], float]) -> float | None:
    """The median over the rounds of what the two were in the same round; None when one was not measured."""
    ours, theirs = runs.get(name, ()), runs.get(other, ())
    pairs = list(zip(ours, theirs, strict=False))
    return statistics.median(compare(a, b) for a, b in pairs) if pairs else None


def cpu_ratio(runs: Runs, name: str, other: str) -> float | None:
    """CPU per request, as a multiple of another's."""
    return paired(runs, name, other, lambda a, b: a.cpu_us / b.cpu_us)


def _cell(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


Column = tuple[str, Callable[[Run], str]]
_PER_REQUEST: Final[Sequence[Column]] = (
    ("CPU µs", lambda run: _cell(run.cpu_us, 1)),
    ("requests/s", lambda run: _cell(run.rps, 0)),
    ("p50 ms", lambda run: _cell(run.p50_ms, 2)),
    ("p99 ms", lambda run: _cell(run.p99_ms, 2)),
    ("p99.9 ms", lambda run: _cell(run.p999_ms, 2)),
    ("RSS MiB", lambda run: _cell(run.rss_mib, 0)),
)
_PER_BODY: Final[Sequence[Column]] = (
    ("CPU ms", lambda run: _cell(run.cpu_us / 1000, 0)),
    ("MiB/s", lambda run: _cell(run.mib_per_s, 0)),
    ("RSS MiB", lambda run: _cell(run.rss_mib, 0)),
)


def table(runs: Runs, *, is_bulk: bool = False) -> str:
    """A line a proxy: the medians of its runs, and its CPU as a multiple of nginx's in the same rounds."""
    columns = _PER_BODY if is_bulk else _PER_REQUEST
    (first, cpu), *rest = columns
    rows = [["proxy", first, "× nginx", *(title for title, _ in rest)]]
    for name, own in runs.items():
        run = median(own)
        ratio = _cell(cpu_ratio(runs, name, NGINX), 2)
        rows.append([name, cpu(run), ratio, *(figure(run) for _, figure in rest)])
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand under each other: text left, figures right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], _line(rule, widths), *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return " | ".join(
        ["| " + first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest[:-1]), _last(rest)]
    )


def _last(rest: Sequence[tuple[str, int]]) -> str:
    cell, width = rest[-1]
    return cell.rjust(width) + " |"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What was to be reached, and what was. `figure` is None when one side was not measured."""

    text: str
    figure: float | None
    limit: float
    is_least: bool = False

    @property
    def is_held(self) -> bool | None:
        """None when it was not measured."""
        if self.figure is None:
            return None
        return self.figure >= self.limit if self.is_least else self.figure <= self.limit

    def line(self) -> str:
        """One line of the report."""
        word = {True: "held", False: "NOT HELD", None: "not measured"}[self.is_held]
        return f"{word:<12} {self.text}" + ("" if self.figure is None else f": {self.figure:.3g}")


def get_goals(runs: Runs) -> list[Goal]:
    """Those of the signed-in GET of 1 KiB."""
    cpu = [
        Goal(
            text=f"CPU per request ≤ {limit:g} × {other}", figure=cpu_ratio(runs, MUSTER, other), limit=limit
        )
        for other, limit in ((NGINX, 2.0), (ENVOY, 0.5), (APACHE, 0.2))
    ]
    ahead = [
        Goal(
            text=f"requests/s on one core ≥ {other}'s",
            figure=paired(runs, MUSTER, other, lambda a, b: a.rps / b.rps),
            limit=1.0,
            is_least=True,
        )
        for other in (ENVOY, APACHE)
    ]
    return cpu + ahead


def rate_goal(runs: Runs) -> Goal:
    """At a fixed rate of half its capacity."""
    added = paired(runs, MUSTER, NGINX, lambda a, b: a.p99_ms - b.p99_ms)
    text = f"p99 at half its capacity ≤ nginx's + {P99_GOAL_MS:g} ms"
    return Goal(text=text, figure=added, limit=P99_GOAL_MS)


def idle_goal(rss_mib: float | None) -> Goal:
    """After a sign-in, before any load."""
    return Goal(text=f"RSS idle ≤ {IDLE_GOAL_MIB:g} MiB", figure=rss_mib, limit=IDLE_GOAL_MIB)
