"""What a person should have, from what the IdPs say and what the operator ruled.

Acceptance table (roles end-user < builder < admin; role groups end-users, builders, admin; default role end-user;
`same_name`), semantics §8; its rows are `tests/unit/groups/test_evaluate.py`:

| IdP groups | app groups | mapping | result |
|---|---|---|---|
| admin, or builder, or end-user | exist | none | that role and its role group |
| engineers | exists, grants nothing | none | engineers and end-users |
| engineers | exists, grants build | none | engineers and builders |
| engineers | absent | engineers → all-apps | all-apps and, by what all-apps grants, builders or end-users |
| engineers | absent | engineers → builders | builders only |
| admin, all-apps | exist | none | all-apps, role admin |
| none (known) | – | none | end-users |
| not stated | – | any | nothing changes |
| admin and end-user | exist | none | role admin |
| single string instead of a list | exists | none | as a list of one (`claim.py` reads it so) |
| Engineers (capital) | engineers exists | none | no match (case-sensitive): end-users |
"""

from collections.abc import Iterable
from dataclasses import replace

import idna

from proxy.groups.links import (
    Match,
    contains,
    match_groups,
    named_role,
    observed_groups,
    owned_groups,
    regarded,
)
from proxy.groups.model import Because, Entitlement, GroupsOf
from proxy.groups.rules import AppGroupName, GroupRules, JoinRules, LinkMode, Missing, Role
from proxy.identity import NOT_STATED, GroupName, Identity
from proxy.reasons import Reason

ANY_DOMAIN = "*"


def entitle(
    said: Iterable[GroupsOf],
    rules: GroupRules,
    app_groups: frozenset[AppGroupName],
    *,
    seen: frozenset[AppGroupName] = frozenset(),
) -> Entitlement:
    """The union over all IdPs that state groups (or did); see the table above.

    `app_groups` are the names that exist in the app. `seen` are app groups that `same_name` led to before, for
    anybody: without them nobody could be taken out of a group that their IdP no longer names.
    """
    known = [replace(one, groups=regarded(one.groups, rules)) for one in said if one.groups is not NOT_STATED]
    if not rules.is_enabled:
        return Entitlement(groups=None, owned=frozenset(), role=None)
    if not known:
        silence = Because(reason=Reason.NOT_STATED, about="groups", cause="no IdP ever stated any")
        return Entitlement(groups=None, owned=frozenset(), role=rules.roles.default, because=(silence,))
    return _from_known(known, rules, app_groups, seen)


def admit(identity: Identity, rules: JoinRules) -> Reason | None:
    """Why this statement alone keeps somebody out (semantics §4.7); None when it does not."""
    if is_deny_listed(identity, rules):
        return Reason.DENY_LISTED
    if not identity.email:
        return Reason.EMAIL_MISSING
    if not _is_domain_allowed(identity, identity.email, rules):
        return Reason.DOMAIN_NOT_ALLOWED
    if not is_address_verified(identity, rules):
        return Reason.EMAIL_NOT_VERIFIED
    return None


def is_deny_listed(identity: Identity, rules: JoinRules) -> bool:
    """By address (any case, verified or not) or by subject, written `issuer subject`."""
    subject = f"{identity.subject.issuer} {identity.subject.subject}"
    return subject in rules.deny or (identity.email or "").lower() in rules.deny


def is_address_verified(identity: Identity, rules: JoinRules) -> bool:
    """The IdP said so, or the operator trusts it to verify."""
    return identity.is_email_verified or identity.idp in rules.trusted_idps


def email_domain(address: str) -> str | None:
    """The domain as lower-cased A-labels; None when the address has not exactly one, or no valid one."""
    local, at, domain = address.partition("@")
    if not local or not at or not domain or "@" in domain:
        return None
    return a_labels(domain)


def a_labels(domain: str) -> str | None:
    """The domain lower-cased and in IDNA 2008 A-labels (RFC 5890); None when it is none."""
    lowered = domain.lower()
    if lowered.isascii():
        return lowered
    try:
        return idna.encode(lowered).decode("ascii")
    except idna.IDNAError:
        return None


def _is_domain_allowed(identity: Identity, address: str, rules: JoinRules) -> bool:
    """Exact match. Where the IdP hosts domains (Google), its `hd` decides: anybody can own an address there."""
    domain = email_domain(address)
    if domain is None:
        return False
    if ANY_DOMAIN in rules.domains:
        return True
    if identity.idp in rules.hosted_domain_idps:
        return identity.hosted_domain is not None and a_labels(identity.hosted_domain) in rules.domains
    return domain in rules.domains


def _from_known(
    known: list[GroupsOf],
    rules: GroupRules,
    app_groups: frozenset[AppGroupName],
    seen: frozenset[AppGroupName],
) -> Entitlement:
    matches = sorted(
        {match for one in known for match in match_groups(one.idp, _names(one), rules, app_groups)}
    )
    active = frozenset(match.app_group for match in matches if match.mode is LinkMode.ACTIVE)
    linked, missing = _existing(active, rules, app_groups)
    role, why_role = _role(known, linked, rules)
    groups, why_group = _with_role_group(linked, role, rules, app_groups)
    if not groups and not _role_groups(rules) and not _is_watched_only(matches):
        groups, why_group = _default_group(rules, app_groups)
    watched = observed_groups(rules) & app_groups
    return Entitlement(
        groups=groups,
        owned=_owned(rules, seen | active, matches) | groups,
        role=role.name if role else rules.roles.default,
        is_role_exact=rules.roles.is_exact,
        observed=frozenset(match.app_group for match in matches) & watched,
        observed_owned=watched,
        because=(*_because(matches), *missing, *_unmatched(known, matches, rules), *why_role, *why_group),
    )


def _names(said: GroupsOf) -> frozenset[GroupName]:
    return said.groups if isinstance(said.groups, frozenset) else frozenset()


def _existing(
    wanted: frozenset[AppGroupName], rules: GroupRules, app_groups: frozenset[AppGroupName]
) -> tuple[frozenset[AppGroupName], list[Because]]:
    """What of `wanted` can be had, and a word for each group that is missing (semantics §7.2)."""
    absent = wanted - app_groups - _role_groups(rules)
    cause = f"missing: {rules.missing}"
    notes = [Because(reason=Reason.APP_GROUP_MISSING, about=name, cause=cause) for name in sorted(absent)]
    return (wanted if rules.missing is Missing.CREATE else wanted - absent), notes


def _role(
    known: list[GroupsOf], groups: frozenset[AppGroupName], rules: GroupRules
) -> tuple[Role | None, list[Because]]:
    """The highest role that anything grants, with every grant; else the default."""
    granted = [
        (role, Because(reason=Reason.GRANTED_BY_GROUP, about=role.name, cause=cause))
        for role in rules.roles.order
        for cause in sorted({*_grants_by_idp(role, known, rules), *_grants_by_app(role, groups)})
    ]
    if granted:
        return granted[-1][0], [because for _, because in granted]
    default = next((role for role in rules.roles.order if role.name == rules.roles.default), None)
    if default is None:
        return None, []
    return default, [Because(reason=Reason.DEFAULT_ROLE, about=default.name, cause="no group grants a role")]


def _grants_by_idp(role: Role, known: list[GroupsOf], rules: GroupRules) -> Iterable[str]:
    for one in known:
        for group in _names(one):
            if contains(role.idp_groups, group, rules) or named_role(one.idp, group, rules) == role:
                yield f"{one.idp} group {group!r}"


def _grants_by_app(role: Role, groups: frozenset[AppGroupName]) -> Iterable[str]:
    """An app group that grants the role, or a link straight into the role group."""
    for group in groups:
        if group in role.app_groups or group == role.group:
            yield f"app group {group!r}"


def _role_groups(rules: GroupRules) -> frozenset[AppGroupName]:
    return frozenset(role.group for role in rules.roles.order if role.group is not None)


def _with_role_group(
    groups: frozenset[AppGroupName], role: Role | None, rules: GroupRules, app_groups: frozenset[AppGroupName]
) -> tuple[frozenset[AppGroupName], list[Because]]:
    """The groups with exactly one role group, that of the role: whatever else led to role groups is dropped."""
    others = groups - _role_groups(rules)
    if role is None or role.group is None:
        return others, []
    if role.group not in app_groups:
        return others, [Because(reason=Reason.APP_GROUP_MISSING, about=role.group, cause=f"role {role.name}")]
    return others | {role.group}, [
        Because(reason=Reason.ROLE_GROUP, about=role.group, cause=f"role {role.name}")
    ]


def _is_watched_only(matches: list[Match]) -> bool:
    """Links in `observe` mode match and nothing else: then the default group is neither joined nor left."""
    return bool(matches) and all(match.mode is LinkMode.OBSERVE for match in matches)


def _default_group(
    rules: GroupRules, app_groups: frozenset[AppGroupName]
) -> tuple[frozenset[AppGroupName], list[Because]]:
    """For apps without role groups: where somebody goes whom nothing matches (semantics §7.7)."""
    if rules.default_group is None:
        return frozenset(), []
    had, missing = _existing(frozenset({rules.default_group}), rules, app_groups)
    cause = "no group matches"
    return had, [Because(reason=Reason.DEFAULT_GROUP, about=name, cause=cause) for name in had] + missing


def _owned(
    rules: GroupRules, by_name: frozenset[AppGroupName], matches: list[Match]
) -> frozenset[AppGroupName]:
    owned = owned_groups(rules, by_name)
    if rules.default_group is not None and _is_watched_only(matches):
        return owned - {rules.default_group}
    return owned


def _because(matches: list[Match]) -> list[Because]:
    return [
        Because(
            reason=Reason.OBSERVED_ONLY if match.mode is LinkMode.OBSERVE else match.reason,
            about=match.app_group,
            cause=match.cause,
        )
        for match in matches
    ]


def _unmatched(known: list[GroupsOf], matches: list[Match], rules: GroupRules) -> list[Because]:
    """A word for each IdP group that leads to nothing at all."""
    used = {(match.idp, match.idp_group) for match in matches}
    return [
        Because(reason=Reason.NO_MATCH, about=group, cause=f"{one.idp} group {group!r}")
        for one in known
        for group in sorted(_names(one))
        if (one.idp, group) not in used and not _grants_a_role(one, group, rules)
    ]


def _grants_a_role(said: GroupsOf, group: GroupName, rules: GroupRules) -> bool:
    is_listed = any(contains(role.idp_groups, group, rules) for role in rules.roles.order)
    return is_listed or named_role(said.idp, group, rules) is not None
