"""The operator's rules about joining, groups and roles, as frozen records; built from the settings, never from YAML here."""

from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import NewType

from proxy.identity import GroupName, IdpId

AppGroupName = NewType("AppGroupName", str)
"""A group as the app names it (NFC)."""

RoleName = NewType("RoleName", str)


@unique
class LinkMode(StrEnum):
    """`active` changes the app; `observe` only says what it would change; `off` touches nothing (semantics §7.6)."""

    ACTIVE = "active"
    OBSERVE = "observe"
    OFF = "off"


@unique
class Missing(StrEnum):
    """What happens when a linked app group does not exist (semantics §7.2)."""

    IGNORE = "ignore"
    CREATE = "create"
    ERROR = "error"


@unique
class UnknownMembers(StrEnum):
    """What a look at a whole group does with members nobody has vouched for (semantics §7.4)."""

    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Our mark of ownership on one app group: its members are those of any of `idp_groups` (a union).

    `idps` limits the link to statements of these IdPs; empty means any.
    """

    app_group: AppGroupName
    idp_groups: frozenset[GroupName]
    mode: LinkMode = LinkMode.ACTIVE
    idps: frozenset[IdpId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role of the app, by its place in `RoleRules.order` (lowest first).

    `name` is what the app's API calls it; `group` its role group, if the app has role groups.
    `idp_groups` and `app_groups` grant it ("engineers grants builder").
    """

    name: RoleName
    group: AppGroupName | None = None
    idp_groups: frozenset[GroupName] = frozenset()
    app_groups: frozenset[AppGroupName] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRules:
    """Roles in order, lowest first; empty when the app has none. `is_exact`: the mode `exact`, else `floor` (semantics §8)."""

    order: tuple[Role, ...] = ()
    default: RoleName | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRules:
    """Which IdP groups mean which app groups.

    `include` and `exclude` are patterns (`*`, `?`, `[…]`) on IdP group names: a group they leave out is nobody's, for links,
    roles and headers alike. An empty `include` lets all pass.
    """

    is_enabled: bool = True
    links: tuple[Link, ...] = ()
    is_same_name: bool = False
    is_case_sensitive: bool = True
    missing: Missing = Missing.IGNORE
    default_group: AppGroupName | None = None
    roles: RoleRules = field(default_factory=RoleRules)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    unknown_members: UnknownMembers = UnknownMembers.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRules:
    """Who is admitted (semantics §1.5, §4). `domains` are lower-cased A-labels; `{"*"}` admits every domain; empty admits nobody.

    `trusted_idps` are IdPs whose e-mail addresses count as verified without the claim.
    `deny` holds e-mail addresses (lower-cased) and subjects written `issuer subject`.
    """

    is_auto_join: bool = True
    domains: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    trusted_idps: frozenset[IdpId] = frozenset()
    hosted_domain_idps: frozenset[IdpId] = frozenset()
