"""What the operator decides about carrying out, as one frozen record."""

from dataclasses import dataclass, field

from proxy.groups.rules import GroupRules
from proxy.provisioning.guard import GuardRules
from proxy.provisioning.linking import LinkRules

CLAIM_SECONDS = 20.0
CLAIM_RENEWED_EVERY = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierRules:
    """`link` says who joins, is linked or protected, and the login patterns.

    `is_provisioning_on` False: nobody is created or restored (semantics §4.5). `creations_per_hour` None means
    max(50, 20 % of members), `seats` None as many as the app allows. `bulk_slots` and `reserved_slots` are visits at the same
    time, in the background and for people who are signing in. `poll` is the longest sleep of the background loop, `visit_seconds`
    the longest visit.
    """

    link: LinkRules = field(default_factory=LinkRules)
    groups: GroupRules = field(default_factory=GroupRules)
    guard: GuardRules = field(default_factory=GuardRules)
    is_provisioning_on: bool = True
    creations_per_hour: int | None = None
    keeps_profile: bool = False
    seats: int | None = None
    bulk_slots: int = 8
    reserved_slots: int = 8
    poll: float = 1.0
    visit_seconds: float = 60.0
    claim_seconds: float = CLAIM_SECONDS
    claim_renewed_every: float = CLAIM_RENEWED_EVERY


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRules:
    """Seconds. `is_enabled` False: only the command sweeps."""

    every: float
    inactive_after: float
    is_enabled: bool = True


def creation_limit(rules: CourierRules, members: int) -> int:
    """How many accounts may be made within an hour (semantics §4.6)."""
    return max(50, members // 5) if rules.creations_per_hour is None else rules.creations_per_hour
