"""What follows from a person's groups: an entitlement, with the chain of causes that led to it."""

from dataclasses import dataclass

from proxy.groups.rules import AppGroupName, RoleName
from proxy.identity import Groups, IdpId
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsOf:
    """What one IdP says of a person's groups, or its last known set while it says nothing."""

    idp: IdpId
    groups: Groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """One link of the chain from a claim to a consequence.

    `about` is a group, role or operation, `cause` says in the operator's words what led there.
    """

    reason: Reason
    about: str
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """What a person should have in the app, and because of what.

    `groups` are app group names; None for somebody whose groups nobody ever stated, or with groups switched off
    (nothing is joined or left). `owned` are the app groups that evaluation may take away: active links, role
    groups, the default group. Nothing outside it is touched. `observed` are the groups of links in `observe` mode
    that they should be in, out of `observed_owned`: reported, never changed.
    """

    groups: frozenset[AppGroupName] | None
    owned: frozenset[AppGroupName]
    role: RoleName | None
    is_role_exact: bool = False
    observed: frozenset[AppGroupName] = frozenset()
    observed_owned: frozenset[AppGroupName] = frozenset()
    because: tuple[Because, ...] = ()
