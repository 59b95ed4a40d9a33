"""Which IdP groups mean which app groups: explicit links first, equal names for the rest."""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from proxy.groups.rules import AppGroupName, GroupRules, Link, LinkMode, Missing, Role
from proxy.identity import NOT_STATED, GroupName, Groups, IdpId
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Match:
    """One IdP group that leads to one app group, and by which rule."""

    app_group: AppGroupName
    idp_group: GroupName
    idp: IdpId
    reason: Reason
    mode: LinkMode = LinkMode.ACTIVE

    @property
    def cause(self) -> str:
        return f"{self.idp} group {self.idp_group!r}"


def match_groups(
    idp: IdpId, groups: frozenset[GroupName], rules: GroupRules, app_groups: frozenset[AppGroupName]
) -> frozenset[Match]:
    """Every app group that these groups of one IdP lead to, whatever the link's mode; links that are off lead nowhere.

    An explicit link wins twice over equal names: an app group that has a link follows only that, and an IdP group
    that a link names (even one switched off) goes only where the link says.
    """
    explicit = (match for link in rules.links for match in _by_link(idp, groups, link, rules))
    return frozenset(explicit) | frozenset(_by_name(idp, groups, rules, app_groups))


def regarded(groups: Groups, rules: GroupRules) -> Groups:
    """The IdP groups that the include and exclude patterns leave; what was not stated stays so."""
    if groups is NOT_STATED or not (rules.include or rules.exclude):
        return groups
    fold = folding(rules)
    include, exclude = [fold(one) for one in rules.include], [fold(one) for one in rules.exclude]
    return frozenset(
        group
        for group in groups
        if (not include or _fits(fold(group), include)) and not _fits(fold(group), exclude)
    )


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def owned_groups(rules: GroupRules, seen: frozenset[AppGroupName] = frozenset()) -> frozenset[AppGroupName]:
    """The app groups whose members evaluation decides. `seen` are those that equal names led to before, for anybody."""
    if not rules.is_enabled:
        return frozenset()
    of_roles = (role.group for role in rules.roles.order)
    by_name = seen - linked_groups(rules) if rules.is_same_name else frozenset()
    ruled = (*linked_groups(rules, LinkMode.ACTIVE), *of_roles, rules.default_group, *by_name)
    return frozenset(name for name in ruled if name is not None)


def observed_groups(rules: GroupRules) -> frozenset[AppGroupName]:
    """The app groups that are only watched: links in `observe` mode, none of them active."""
    return linked_groups(rules, LinkMode.OBSERVE) - owned_groups(rules)


def linked_groups(rules: GroupRules, *modes: LinkMode) -> frozenset[AppGroupName]:
    """The app groups of explicit links in these modes; without modes, of all."""
    return frozenset(link.app_group for link in rules.links if not modes or link.mode in modes)


def named_role(idp: IdpId, group: GroupName, rules: GroupRules) -> Role | None:
    """The role that an IdP group grants by being named like it or its role group (semantics §8)."""
    fold = folding(rules)
    if _is_linked(idp, group, rules):
        return None
    for role in rules.roles.order:
        if role.group is not None and fold(group) in {fold(role.name), fold(role.group)}:
            return role
    return None


def header_groups(
    known: Groups, rules: GroupRules, allowed: frozenset[GroupName], *, idp: IdpId | None = None
) -> tuple[GroupName, ...] | None:
    """The IdP groups that the app is told of: those that a link, role or equal name may use, and the allowed ones.

    Sorted; None when the groups are not stated. `allowed` holding `*` lets all pass, and so does `same_name`, where
    every IdP group is linked; include and exclude patterns come first. `idp` leaves out links that are for other IdPs.
    """
    known = regarded(known, rules)
    if known is NOT_STATED:
        return None
    if "*" in allowed or rules.is_same_name:
        return tuple(sorted(known))
    fold = folding(rules)
    wanted = {fold(name) for name in (*allowed, *_used(rules, idp))}
    return tuple(sorted(group for group in known if fold(group) in wanted))


def folding(rules: GroupRules) -> Callable[[str], str]:
    """How names are made comparable: NFC, and case-folded unless case counts."""
    return normal if rules.is_case_sensitive else lambda name: normal(normal(name).casefold())


def normal(name: str) -> str:
    """Unicode NFC: the app and the IdP may spell one name in two ways."""
    return unicodedata.normalize("NFC", name)


def contains(names: Iterable[str], group: str, rules: GroupRules) -> bool:
    """Whether the group is one of the names, as the rules compare names."""
    fold = folding(rules)
    return fold(group) in {fold(name) for name in names}


def _by_link(idp: IdpId, groups: frozenset[GroupName], link: Link, rules: GroupRules) -> Iterable[Match]:
    if link.mode is LinkMode.OFF or not _is_for(link, idp):
        return
    fold = folding(rules)
    wanted = {fold(name) for name in link.idp_groups}
    for group in groups:
        if fold(group) in wanted:
            yield Match(
                app_group=link.app_group, idp_group=group, idp=idp, reason=Reason.LINKED, mode=link.mode
            )


def _by_name(
    idp: IdpId, groups: frozenset[GroupName], rules: GroupRules, app_groups: frozenset[AppGroupName]
) -> Iterable[Match]:
    if not rules.is_same_name:
        return
    linked = linked_groups(rules)
    for group in groups:
        if _is_linked(idp, group, rules) or named_role(idp, group, rules):
            continue
        name = _namesake(group, rules, app_groups)
        if name is not None and name not in linked:
            yield Match(app_group=name, idp_group=group, idp=idp, reason=Reason.SAME_NAME)


def _namesake(
    group: GroupName, rules: GroupRules, app_groups: frozenset[AppGroupName]
) -> AppGroupName | None:
    """The app group of this name; of several that differ only in case none, unless one is spelled the same."""
    fold = folding(rules)
    if normal(group) in app_groups:
        return AppGroupName(normal(group))
    alike = [name for name in app_groups if fold(name) == fold(group)]
    if not alike and rules.missing is not Missing.IGNORE:
        return AppGroupName(normal(group))
    return alike[0] if len(alike) == 1 else None


def _is_linked(idp: IdpId, group: GroupName, rules: GroupRules) -> bool:
    return any(_is_for(link, idp) and contains(link.idp_groups, group, rules) for link in rules.links)


def _is_for(link: Link, idp: IdpId | None) -> bool:
    return idp is None or not link.idps or idp in link.idps


def _used(rules: GroupRules, idp: IdpId | None) -> Iterable[str]:
    for link in rules.links:
        if link.mode is not LinkMode.OFF and _is_for(link, idp):
            yield from link.idp_groups
    for role in rules.roles.order:
        yield from role.idp_groups
        if role.group is not None:
            yield from (role.name, role.group)
