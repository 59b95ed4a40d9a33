"""The port to named leases: the right to do what only one process may do at a time.

A lease runs out by itself; whoever is still at work renews it. `fence` grows with every grant of a name, so that two grants are
never mistaken for each other. All times are seconds since the epoch. Every method raises `Unavailable` when the engine does not
answer in time.
"""

from dataclasses import dataclass
from typing import Final, Protocol

ADMINISTRATORS: Final = "administrators"
"""Archiving or demoting an administrator: one at a time, or the last two could go together (semantics §7.9)."""

SWEEP: Final = "sweep"
"""A look at everybody: by one process at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLease:
    """The right to do what `name` stands for until `until`."""

    name: str
    holder: str
    fence: int
    until: float


class NamedLeases(Protocol):
    """Leases that are not about a session or an entry."""

    async def acquire(self, name: str, *, holder: str, now: float, seconds: float) -> NamedLease | None:
        """The lease; None while another holder's is unexpired, or while this holder has it already."""

    async def renew(self, lease: NamedLease, *, now: float, seconds: float) -> NamedLease | None:
        """The lease until later; None when it was given back or somebody else was granted it since."""

    async def release(self, lease: NamedLease) -> None:
        """Give it back; nothing happens where it is no longer ours."""
