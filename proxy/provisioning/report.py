"""What came of a look at whole groups, for people and for programs.

`Tally` counts everything and remembers the first thousand lines of each kind: a report stays small whatever went wrong.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum, unique
from typing import Any, Final

from proxy.provisioning.model import AccountId
from proxy.reasons import Reason

MOST_LINES: Final = 1000


@unique
class Kind(StrEnum):
    """`CHANGE`: an operation that is to be carried out. `KEPT`: seen and left as it is, by rule. `SKIPPED`: not looked at
    or not changed, because something stands in the way. `HELD`: waits for an administrator."""

    CHANGE = "change"
    KEPT = "kept"
    SKIPPED = "skipped"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing about one account. `what` is an operation or a word, `about` a group or role."""

    kind: Kind
    account: AccountId | None
    login: str
    what: str
    about: str
    reason: Reason
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`looked_at` accounts in `groups` groups; `agree` of them need nothing. `counts` are whole, `lines` may not be.

    What a `CHANGE` line names was planned; where it was not carried out, a `HELD` or `SKIPPED` line says why.
    `held_scopes` are latched; `would_hold` would be by what a dry run found.
    """

    is_dry_run: bool
    looked_at: int
    groups: int
    agree: int
    counts: tuple[tuple[Kind, str, int], ...]
    lines: tuple[Line, ...]
    held_scopes: tuple[str, ...] = ()
    would_hold: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def changes(self) -> int:
        return sum(number for kind, _, number in self.counts if kind is Kind.CHANGE)

    @property
    def needs_attention(self) -> bool:
        """Whether anything was, or would be, changed or held."""
        is_held = bool(self.held_scopes or self.would_hold)
        return is_held or any(kind in (Kind.CHANGE, Kind.HELD) for kind, _, _ in self.counts)

    def count(self, kind: Kind, what: str | None = None) -> int:
        return sum(number for one, word, number in self.counts if one is kind and what in (None, word))

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        whole = asdict(self)
        whole["counts"] = [{"kind": kind, "what": what, "count": n} for kind, what, n in self.counts]
        whole["lines"] = [asdict(line) for line in self.lines]
        return whole


@dataclass(slots=True)
class Tally:
    """A report in the making."""

    looked_at: int = 0
    groups: int = 0
    agree: int = 0
    held_scopes: set[str] = field(default_factory=set)
    would_hold: set[str] = field(default_factory=set)
    _counts: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    _lines: list[Line] = field(default_factory=list)
    _kept: Counter[Kind] = field(default_factory=Counter)

    def add(self, line: Line) -> None:
        self._counts[line.kind, line.what] += 1
        if self._kept[line.kind] < MOST_LINES:
            self._kept[line.kind] += 1
            self._lines.append(line)

    def report(self, *, is_dry_run: bool, seconds: float) -> Report:
        return Report(
            is_dry_run=is_dry_run,
            looked_at=self.looked_at,
            groups=self.groups,
            agree=self.agree,
            counts=tuple((kind, what, number) for (kind, what), number in sorted(self._counts.items())),
            lines=tuple(self._lines),
            held_scopes=tuple(sorted(self.held_scopes)),
            would_hold=tuple(sorted(self.would_hold)),
            seconds=seconds,
        )
