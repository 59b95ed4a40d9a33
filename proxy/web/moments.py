"""Times as people read them."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time for people: the machine's form, the clock's, and how far away it is."""

    iso: str
    clock: str
    distance: str


def moment(at: float, now: float) -> Moment:
    time = datetime.fromtimestamp(at, UTC)
    return Moment(
        iso=time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        clock=time.strftime("%H:%M:%S UTC"),
        distance=distance(at - now),
    )


def distance(seconds: float) -> str:
    """How far a time is away, in one unit: "in 54 minutes", "3 seconds ago", "now"."""
    away = abs(seconds)
    if away < 1:
        return "now"
    unit, size = next(
        (unit, size)
        for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
        if away >= size
    )
    number = int(away // size)
    amount = f"{number} {unit}{'' if number == 1 else 's'}"
    return f"in {amount}" if seconds > 0 else f"{amount} ago"
