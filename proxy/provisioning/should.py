"""What somebody should have, from the latest statement of every source (semantics §9.1).

| statements | should be |
|---|---|
| SCIM manages the person and says inactive | gone |
| every source says no | gone |
| some source vouches, a vouched identity is on the deny list | refused (deny list) |
| some source vouches and admits | wanted: union of all vouching sources' groups, the highest role |
| all that vouch are refused by rule | refused, with the newest one's reason |
"""

from proxy.groups.evaluate import admit, entitle, is_deny_listed
from proxy.groups.model import GroupsOf
from proxy.groups.rules import AppGroupName, GroupRules, JoinRules
from proxy.identity import Identity
from proxy.provisioning.model import Gone, Refused, Removed, Should, Statement, Vouched, Wanted
from proxy.provisioning.outbox import SOURCE_SCIM
from proxy.reasons import Reason


def should_be(
    statements: tuple[Statement, ...],
    join_rules: JoinRules,
    group_rules: GroupRules,
    app_groups: frozenset[AppGroupName],
    *,
    seen: frozenset[AppGroupName] = frozenset(),
) -> Should:
    """See the table. No statement at all is no reason to take anything away: Refused, never Gone."""
    newest_first = sorted(statements, key=lambda one: (one.at, one.seq), reverse=True)
    if gone := _gone(newest_first):
        return gone
    identities = [one.says.identity for one in newest_first if isinstance(one.says, Vouched)]
    if refusal := _refusal(identities, join_rules):
        return Refused(reason=refusal)
    admitted = next(identity for identity in identities if admit(identity, join_rules) is None)
    entitlement = entitle(_said(newest_first), group_rules, app_groups, seen=seen)
    return Wanted(entitlement=entitlement, identity=admitted)


def _gone(newest_first: list[Statement]) -> Gone | None:
    removed = [(one.source, one.says.reason) for one in newest_first if isinstance(one.says, Removed)]
    for source, reason in removed:
        if source == SOURCE_SCIM:
            return Gone(reason=reason)
    return Gone(reason=removed[0][1]) if removed and len(removed) == len(newest_first) else None


def _refusal(identities: list[Identity], rules: JoinRules) -> Reason | None:
    if not identities:
        return Reason.NOT_INVITED
    if any(is_deny_listed(identity, rules) for identity in identities):
        return Reason.DENY_LISTED
    reasons = [admit(identity, rules) for identity in identities]
    return None if None in reasons else reasons[0]


def _said(statements: list[Statement]) -> list[GroupsOf]:
    """The groups of every source that vouches: those last known where it states none now."""
    vouching = (one for one in statements if isinstance(one.says, Vouched))
    return [GroupsOf(idp=one.source, groups=one.known_groups) for one in vouching]
