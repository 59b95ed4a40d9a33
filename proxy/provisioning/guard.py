"""How much may be taken away unattended (semantics §6.4).

Counted are people, once an hour and scope, whom a plan takes something from: an archived account, a group left, a
role lowered. A scope is one IdP (over all members) or one linked group (over its members). The first person beyond
the limit latches the scope: whatever would take away under it is held until an administrator releases or drops it;
everything else of the plan goes on. What an operator does by hand or lists as denied is no mass change of an IdP's or a link's:
it is neither counted nor held. Release is written for the people held at that moment (`released_mark`), or the
same hour's count would hold them again at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from proxy.groups.rules import AppGroupName
from proxy.identity import IdpId
from proxy.provisioning.model import Leave, Plan, Step
from proxy.reasons import Reason

RELEASED = "released:"
BY_OPERATOR = frozenset({Reason.ENDED_BY_OPERATOR, Reason.DENY_LISTED})
"""Why a step is there that somebody decided for this one person."""

WAITING = "waiting:"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """Limits: the larger of a number and a share (0–1) of the whole. `window` is in seconds."""

    least_members: int = 5
    share_of_members: float = 0.10
    least_of_link: int = 3
    share_of_link: float = 0.30
    window: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """People counted in a scope within the window, this one included, and the whole they are a part of."""

    count: int
    whole: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Steps that wait for an administrator, by the scope that holds them."""

    scope: str
    steps: tuple[Step, ...]
    reason: Reason = Reason.GUARD_TRIPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What may be done now, what is held, and which scopes this person is the first to trip."""

    plan: Plan
    held: tuple[Held, ...] = field(default=())
    tripped: frozenset[str] = frozenset()


def idp_scope(idp: IdpId) -> str:
    return f"idp:{idp}"


def link_scope(group: AppGroupName) -> str:
    return f"link:{group}"


def released_mark(scope: str, person: str) -> str:
    """What the ledger latches to say: an administrator released this person from this scope."""
    return f"{RELEASED}{scope} {person}"


def waiting_mark(scope: str, person: str) -> str:
    """What the ledger latches to say: this person, of whom no entry tells, is held under this scope."""
    return f"{WAITING}{scope} {person}"


def scopes_of(step: Step, idp: IdpId | None) -> tuple[str, ...]:
    """The scopes that a step counts in; none for one that takes nothing away, or that an operator decided.

    Of somebody no IdP vouched for, only links.
    """
    if not step.takes_away or step.because.reason in BY_OPERATOR:
        return ()
    of_idp = () if idp is None else (idp_scope(idp),)
    if isinstance(step.operation, Leave):
        return (*of_idp, link_scope(step.operation.group.name))
    return of_idp


def scopes_to_count(plan: Plan, idp: IdpId | None) -> tuple[str, ...]:
    """Every scope that the plan counts in, once each, in the order of its steps."""
    return tuple(dict.fromkeys(scope for step in plan.steps for scope in scopes_of(step, idp)))


def limit(scope: str, whole: int, rules: GuardRules) -> int:
    """How many people a scope may lose within the window."""
    if scope.startswith("link:"):
        return max(rules.least_of_link, int(rules.share_of_link * whole))
    return max(rules.least_members, int(rules.share_of_members * whole))


def judge(
    plan: Plan,
    figures: Mapping[str, Figure],
    latched: frozenset[str],
    *,
    idp: IdpId | None,
    person: str,
    rules: GuardRules,
) -> Judgement:
    """The plan without what a tripped or latched scope holds. `figures` names every scope to count in but latched ones."""
    released = frozenset(
        scope for scope in scopes_to_count(plan, idp) if released_mark(scope, person) in latched
    )
    tripped = frozenset(
        scope
        for scope, figure in figures.items()
        if scope not in released | latched and figure.count > limit(scope, figure.whole, rules)
    )
    closed = (tripped | latched) - released
    allowed = tuple(step for step in plan.steps if not closed.intersection(scopes_of(step, idp)))
    return Judgement(plan=replace(plan, steps=allowed), held=_held(plan, closed, idp), tripped=tripped)


def _held(plan: Plan, closed: frozenset[str], idp: IdpId | None) -> tuple[Held, ...]:
    held = (
        (scope, tuple(step for step in plan.steps if scope in scopes_of(step, idp)))
        for scope in scopes_to_count(plan, idp)
        if scope in closed
    )
    return tuple(Held(scope=scope, steps=steps) for scope, steps in held)
