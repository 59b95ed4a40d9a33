"""Why somebody gets what they get: what the IdP says, what should be, and how, each line with its reason.

Nothing is asked and nothing changed: `explain` decides with the very functions that the courier decides with. Without a
look at the app it assumes that every group the rules name is there, and that the person has no account yet.
"""

from dataclasses import dataclass
from typing import Any, assert_never

from proxy.groups.links import linked_groups, normal, owned_groups
from proxy.groups.rules import AppGroupName
from proxy.identity import NOT_STATED, Groups, Identity
from proxy.provisioning.app_admin import Capabilities
from proxy.provisioning.linking import sendable_logins
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Because,
    Binding,
    Create,
    CreateGroup,
    Gone,
    GroupId,
    Join,
    Leave,
    Member,
    Plan,
    Profile,
    Refused,
    SetProfile,
    SetRole,
    Should,
    Statement,
    Vouched,
    Wanted,
)
from proxy.provisioning.performing import operation_name
from proxy.provisioning.plan import Terms, plan
from proxy.provisioning.rules import CourierRules
from proxy.provisioning.should import should_be
from proxy.reasons import Reason

_NEW = AccountId("(new)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that is said, should be or is done: `topic` (says, should, how, left alone), what, and why."""

    topic: str
    what: str
    reason: Reason | None = None
    cause: str = ""

    def __str__(self) -> str:
        why = f"  [{self.reason}{': ' if self.cause else ''}{self.cause}]" if self.reason else ""
        return f"{self.topic:<11} {self.what}{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`is_admitted`: the statement alone does not keep them out."""

    is_admitted: bool
    lines: tuple[Line, ...]

    def document(self) -> dict[str, Any]:
        """The same, for JSON: topics with their lines."""
        topics: dict[str, list[dict[str, str]]] = {}
        for line in self.lines:
            item = {
                "what": line.what,
                "reason": line.reason.value if line.reason else "",
                "cause": line.cause,
            }
            topics.setdefault(line.topic.replace(" ", "_"), []).append(item)
        return {"is_admitted": self.is_admitted, **topics}


def explain(
    identity: Identity,
    rules: CourierRules,
    *,
    capabilities: Capabilities | None = None,
    member: Member | None = None,
    app_groups: tuple[AppGroup, ...] | None = None,
    binding: Binding | None = None,
) -> Explanation:
    """From one identity to operations. `member` and `app_groups` are what the app shows, where it was asked."""
    groups = app_groups if app_groups is not None else _assumed_groups(identity, rules)
    statement = Statement(
        source=identity.idp,
        subject=identity.subject,
        says=Vouched(identity=identity),
        at=identity.stated_at,
        known_groups=identity.groups,
    )
    names = frozenset(AppGroupName(normal(group.name)) for group in groups)
    should = should_be((statement,), rules.link.join, rules.groups, names)
    terms = Terms(
        capabilities=capabilities or Capabilities(),
        binding=binding,
        roles=rules.groups.roles.order,
        profile=_profile(identity, rules),
        owned=owned_groups(rules.groups),
        keeps_profile=rules.keeps_profile,
    )
    lines = (*_says(identity), *_should(should), *_how(_rehearse(should, member, groups, terms)))
    return Explanation(is_admitted=isinstance(should, Wanted), lines=lines)


def explain_plan(should: Should, planned: Plan) -> tuple[Line, ...]:
    """What should be and how, for somebody the courier knows."""
    return (*_should(should), *_how(planned))


def _assumed_groups(identity: Identity, rules: CourierRules) -> tuple[AppGroup, ...]:
    named = {*linked_groups(rules.groups), *owned_groups(rules.groups)}
    for role in rules.groups.roles.order:
        named |= role.app_groups
    if rules.groups.is_same_name and identity.groups is not NOT_STATED:
        named |= {AppGroupName(normal(group)) for group in identity.groups}
    return tuple(AppGroup(id=GroupId(name), name=name) for name in sorted(named))


def _profile(identity: Identity, rules: CourierRules) -> Profile | None:
    logins = sendable_logins(identity, rules.link)
    if not logins or not rules.link.join.is_auto_join or not rules.is_provisioning_on:
        return None
    return Profile(login=logins[0], email=identity.email, name=identity.name)


def _rehearse(should: Should, member: Member | None, groups: tuple[AppGroup, ...], terms: Terms) -> Plan:
    """The plan; for a newcomer also what follows once the account is there."""
    planned = plan(should, member, groups, terms)
    created = [step.operation for step in planned.steps if isinstance(step.operation, Create)]
    if not created:
        return planned
    profile = created[0].profile
    new = Member(id=_NEW, login=profile.login, email=profile.email, name=profile.name, is_active=True)
    then = plan(should, new, groups, terms)
    return Plan(steps=(*planned.steps, *then.steps), notes=(*planned.notes, *then.notes))


def _says(identity: Identity) -> tuple[Line, ...]:
    verified = "verified" if identity.is_email_verified else "not verified"
    email = f"{identity.email} ({verified})" if identity.email else "no address"
    return (
        Line(topic="says", what=f"{identity.idp}: {identity.subject.issuer} {identity.subject.subject}"),
        Line(topic="says", what=f"address: {email}"),
        Line(topic="says", what=f"groups: {_group_list(identity.groups)}"),
    )


def _group_list(groups: Groups) -> str:
    if groups is NOT_STATED:
        return "not stated"
    return ", ".join(sorted(groups)) or "none (known)"


def _should(should: Should) -> tuple[Line, ...]:
    match should:
        case Refused(reason=reason):
            return (Line(topic="should", what="be kept out", reason=reason),)
        case Gone(reason=reason):
            return (Line(topic="should", what="be archived", reason=reason),)
        case Wanted(entitlement=entitlement):
            groups = entitlement.groups
            have = "groups unchanged" if groups is None else f"groups: {', '.join(sorted(groups)) or 'none'}"
            role = f"role: {entitlement.role}" if entitlement.role else "no role"
            heads = (Line(topic="should", what=have), Line(topic="should", what=role))
            return heads + tuple(_because("because", one) for one in entitlement.because)
        case _:
            assert_never(should)


def _how(planned: Plan) -> tuple[Line, ...]:
    steps = tuple(
        Line(
            topic="how",
            what=f"{operation_name(step.operation)} {_object(step.operation)}".strip(),
            reason=step.because.reason,
            cause=step.because.cause,
        )
        for step in planned.steps
    )
    notes = tuple(_because("left alone", note) for note in planned.notes)
    return (steps or (Line(topic="how", what="nothing to do"),)) + notes


def _because(topic: str, because: Because) -> Line:
    return Line(topic=topic, what=because.about, reason=because.reason, cause=because.cause)


def _object(operation: object) -> str:
    match operation:
        case Create(profile=profile):
            return profile.login
        case Join(group=group) | Leave(group=group):
            return group.name
        case CreateGroup(name=name):
            return name
        case SetRole(role=role):
            return role
        case SetProfile(email=email, name=name):
            return f"{name or ''} <{email or ''}>"
        case _:
            return ""
