"""Compares one person after the other, as the app shows them, with what they should have (semantics §6.3, §7.4).

There is no second planner here: what differs is what `plan.py` would do. Whoever differs is visited by the courier.

| the entry | the account | then |
|---|---|---|
| open | any | left to the courier, which is at it |
| held, parked for a person's own sake | any | left, with the reason it waits for |
| parked for what the app's API said | any | a look at everybody opens it again: that may be over |
| dropped | any | left: an operator said no; a look at one group that an operator asks for takes it for done |
| done | not there | left: the next sign-in looks for it (§1.4); gone people need none |
| done, somebody wanted | archived | left: archived by hand in the app; back when their IdP vouches again (§4.4, §4.5) |
| done | a plan has steps | differs |
| done | a plan has none | agrees |

Who is in which group is kept as one number an account, a bit a group: ten thousand people in two hundred groups are a megabyte.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from proxy.groups.links import linked_groups, observed_groups, owned_groups
from proxy.groups.rules import AppGroupName, GroupRules, LinkMode
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Because,
    Entry,
    EntryState,
    Gone,
    GroupId,
    Member,
    Plan,
    Refused,
    Should,
    Wanted,
)
from proxy.provisioning.plan import Terms, plan
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Agrees:
    """Nothing to do. `notes` are what was seen and left alone."""

    notes: tuple[Because, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """The courier would do this."""

    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Not for this look, and why."""

    reason: Reason
    detail: str = ""


Finding: TypeAlias = Agrees | Differs | Left


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What the app showed of everybody. `looked` are the groups whose members were read, each a bit of `masks`.

    `accounts` is None where the app does not list them, `masks` where it does not say who is in a group.
    """

    groups: tuple[AppGroup, ...]
    looked: tuple[AppGroup, ...] = ()
    masks: Mapping[AccountId, int] | None = None
    accounts: Mapping[AccountId, Member] | None = None
    own: Member | None = None
    names: frozenset[AppGroupName] = field(default=frozenset())

    def groups_of(self, account: AccountId) -> frozenset[GroupId]:
        mask = (self.masks or {}).get(account, 0)
        return frozenset(group.id for bit, group in enumerate(self.looked) if mask >> bit & 1)

    def with_groups(self, member: Member) -> Member:
        """The account with the groups that it was seen in; as it is where that was not read."""
        return member if self.masks is None else replace(member, groups=self.groups_of(member.id))

    def listed(self, account: AccountId) -> Member | None:
        found = (self.accounts or {}).get(account)
        return None if found is None else self.with_groups(found)


def to_read(groups: tuple[AppGroup, ...], rules: GroupRules) -> tuple[AppGroup, ...]:
    """The groups whose members matter: those that evaluation may change or that are watched; all where equal names count."""
    if not rules.is_enabled:
        return ()
    wanted = owned_groups(rules) | observed_groups(rules)
    return tuple(group for group in groups if rules.is_same_name or group.name in wanted)


def cleared_of_unknown(rules: GroupRules, seen: frozenset[AppGroupName]) -> frozenset[AppGroupName]:
    """The groups in which members nobody vouched for matter: active links, written or by equal names.

    Role groups and the default group hold whoever was in the app before; nobody is put out of them.
    """
    if not rules.is_enabled:
        return frozenset()
    by_name = seen - linked_groups(rules) if rules.is_same_name else frozenset()
    return linked_groups(rules, LinkMode.ACTIVE) | by_name


def mark(masks: dict[AccountId, int], bit: int, members: Iterable[AccountId]) -> None:
    """These accounts are in the group of that bit."""
    for account in members:
        masks[account] = masks.get(account, 0) | 1 << bit


def unknown_members(
    whole: Whole, bound: Mapping[AccountId, object], matter: frozenset[AppGroupName]
) -> Iterator[tuple[AccountId, tuple[AppGroup, ...]]]:
    """Accounts that nobody is bound to, each with the groups it is in among those that matter."""
    bits = [(1 << bit, group) for bit, group in enumerate(whole.looked) if group.name in matter]
    any_of_them = sum(bit for bit, _ in bits)
    for account, mask in sorted((whole.masks or {}).items()):
        if mask & any_of_them and account not in bound:
            yield account, tuple(group for bit, group in bits if mask & bit)


def is_out_of_place(should: Should, account: AccountId, group: AppGroup, whole: Whole) -> bool:
    """Whether one group's list alone shows that something is to do, or to be told, for this person: a cheap first look."""
    is_in = group.id in whole.groups_of(account)
    match should:
        case Wanted(entitlement=entitlement):
            if entitlement.groups is None:
                return False
            if group.name in entitlement.observed_owned:
                return is_in is not (group.name in entitlement.observed)
            return group.name in entitlement.owned and is_in is not (group.name in entitlement.groups)
        case Gone():
            return is_in
        case Refused():
            return False


def look_at(
    entry: Entry, should: Should, member: Member | None, groups: tuple[AppGroup, ...], terms: Terms
) -> Finding:
    """See the table."""
    if waits := waiting(entry):
        return waits
    if member is None:
        return Agrees() if isinstance(should, Gone) else Left(reason=Reason.ACCOUNT_GONE)
    if isinstance(should, Wanted) and not member.is_active:
        return Left(reason=Reason.ARCHIVED_IN_APP, detail="until their IdP vouches for them again")
    planned = plan(should, member, groups, terms)
    return Differs(plan=planned) if planned.steps else Agrees(notes=planned.notes)


def waiting(entry: Entry) -> Left | None:
    """Why an entry is not the look's business; None when it is done."""
    match entry.state:
        case EntryState.DONE:
            return None
        case EntryState.OPEN:
            return Left(reason=Reason.BEING_SET_UP, detail="the courier is at it")
        case EntryState.HELD:
            return Left(reason=Reason.GUARD_TRIPPED, detail=entry.detail.replace("\n", ", "))
        case EntryState.DROPPED:
            return Left(reason=Reason.DROPPED, detail=entry.detail.replace("\n", ", "))
        case EntryState.PARKED:
            return Left(reason=entry.reason or Reason.APP_REFUSED, detail=entry.detail)
