"""The operations that make what *is* agree with what *should be*. Cases (semantics §6–§8):

| should be | account is | steps, in this order |
|---|---|---|
| wanted | none | create; then the app is read and planned for again |
| wanted | archived | leave · lower the role · restore · profile · make groups · join · raise the role |
| wanted | active | leave · lower the role · profile · make groups · join · raise the role |
| wanted, groups never stated | any | restore, profile, raise a role that is ours to the default; nothing else |
| gone | active | archive |
| gone | archived, or none | nothing |
| gone | active, but protected or the last administrator | nothing; noted |
| gone | active, in an app that cannot archive | leave every owned group; noted (the binding's block keeps them out) |
| refused by the deny list | bound | as gone |
| refused otherwise | any | nothing: a member stays as they are |

Every prefix is safe to stop at: what somebody should not have goes before they get in again, and power comes last.
(An app that refuses changes to archived accounts forces *restore* to the front; the leaving follows at once.)
Only groups that the entitlement owns are left, and only linked ones joined. After a create or a new group the app is
read again, because only then is there an id to go on with.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import assert_never

from proxy.groups.links import normal
from proxy.groups.rules import AppGroupName, Role, RoleName
from proxy.provisioning.app_admin import Capabilities
from proxy.provisioning.model import (
    AppGroup,
    Archive,
    Because,
    Binding,
    Create,
    CreateGroup,
    Entitlement,
    Gone,
    Join,
    Leave,
    Member,
    Operation,
    Plan,
    Profile,
    Refused,
    Restore,
    SetProfile,
    SetRole,
    Should,
    Step,
    Wanted,
)
from proxy.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What else a plan depends on.

    `profile` is what a new account is made from; None when none may be made. `owned` are the groups to leave where an
    app cannot archive. `keeps_profile`: name and address follow the IdP.
    """

    capabilities: Capabilities = field(default_factory=Capabilities)
    binding: Binding | None = None
    roles: tuple[Role, ...] = ()
    is_protected: bool = False
    is_last_admin: bool = False
    profile: Profile | None = None
    owned: frozenset[AppGroupName] = frozenset()
    keeps_profile: bool = False

    @property
    def is_untouchable(self) -> bool:
        """Never archived, removed or demoted (semantics §6.5)."""
        return self.is_protected or self.is_last_admin


def plan(should: Should, member: Member | None, app_groups: tuple[AppGroup, ...], terms: Terms) -> Plan:
    """See the table. Planning again after every step was performed finds nothing to do."""
    match should:
        case Wanted():
            return _for_wanted(should, member, app_groups, terms)
        case Gone(reason=reason):
            return _for_gone(reason, member, app_groups, terms)
        case Refused(reason=Reason.DENY_LISTED) if terms.binding is not None:
            return _for_gone(Reason.DENY_LISTED, member, app_groups, terms)
        case Refused():
            return Plan()
        case _:
            assert_never(should)


def _for_wanted(
    wanted: Wanted, member: Member | None, app_groups: tuple[AppGroup, ...], terms: Terms
) -> Plan:
    if member is None:
        return _creation(terms)
    entitlement, known = wanted.entitlement, _Known.of(app_groups)
    leaves, spared = _leaves(entitlement, member, known, terms)
    lower, higher, role_notes = _role_steps(entitlement, member, terms)
    restore = [] if member.is_active else [_restore(member)]
    away = [*leaves, *lower]
    first = [*away, *restore] if terms.capabilities.can_edit_archived else [*restore, *away]
    new_groups, joins, join_notes = _joins(entitlement, member, known, terms)
    steps = (*first, *_profile(wanted, member, terms), *new_groups, *joins, *higher)
    watched = _watched(entitlement, member, known)
    return Plan(
        steps=steps if member.is_active else _harmless(steps),
        notes=(*spared, *role_notes, *join_notes, *watched),
    )


def _creation(terms: Terms) -> Plan:
    if terms.profile is None:
        return Plan()
    because = Because(reason=Reason.PLANNED, about="create", cause="vouched for, and has no account")
    return Plan(steps=(Step(operation=Create(profile=terms.profile), because=because),))


def _restore(member: Member) -> Step:
    because = Because(reason=Reason.PLANNED, about="restore", cause="vouched for again")
    return Step(operation=Restore(account=member.id), because=because)


def _harmless(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Somebody whose account is archived loses nothing they could use; holding it back would let it in again."""
    return tuple(replace(step, takes_away=False) for step in steps)


def _for_gone(reason: Reason, member: Member | None, app_groups: tuple[AppGroup, ...], terms: Terms) -> Plan:
    if member is None or not member.is_active:
        return Plan()
    if terms.is_untouchable:
        return Plan(notes=(_left_alone("archive", terms),))
    if terms.capabilities.can_archive:
        because = Because(reason=reason, about="archive", cause=terms.capabilities.archive_means)
        return Plan(steps=(Step(operation=Archive(account=member.id), because=because, takes_away=True),))
    nothing = Entitlement(groups=frozenset(), owned=terms.owned, role=None)
    leaves, notes = _leaves(nothing, member, _Known.of(app_groups), terms, reason)
    cause = "the app can only delete: kept out at the gate instead"
    return Plan(
        steps=tuple(leaves), notes=(*notes, Because(reason=Reason.NO_ARCHIVE, about="archive", cause=cause))
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """The app's groups by name; a name that two groups share means neither."""

    by_name: dict[AppGroupName, AppGroup]
    twice: frozenset[AppGroupName]

    @classmethod
    def of(cls, app_groups: tuple[AppGroup, ...]) -> "_Known":
        by_name: dict[AppGroupName, AppGroup] = {}
        twice: set[AppGroupName] = set()
        for group in sorted(app_groups, key=lambda one: one.id):
            name = AppGroupName(normal(group.name))
            if name in by_name:
                twice.add(name)
            by_name[name] = group
        return cls({name: group for name, group in by_name.items() if name not in twice}, frozenset(twice))

    def names_of(self, member: Member) -> frozenset[AppGroupName]:
        ids = member.groups or frozenset()
        return frozenset(name for name, group in self.by_name.items() if group.id in ids)


def _leaves(
    entitlement: Entitlement,
    member: Member,
    known: _Known,
    terms: Terms,
    reason: Reason = Reason.NO_MATCH,
) -> tuple[list[Step], list[Because]]:
    if entitlement.groups is None or not terms.capabilities.can_change_groups:
        return [], []
    unwanted = sorted((known.names_of(member) & entitlement.owned) - entitlement.groups)
    if terms.is_untouchable:
        return [], [_left_alone(name, terms) for name in unwanted]
    return [
        Step(
            operation=Leave(account=member.id, group=known.by_name[name], login=member.login),
            because=Because(reason=reason, about=name, cause="no group of theirs leads here"),
            takes_away=True,
        )
        for name in unwanted
    ], []


def _joins(
    entitlement: Entitlement, member: Member, known: _Known, terms: Terms
) -> tuple[list[Step], list[Step], list[Because]]:
    """Groups to make, groups to join, and a word for each that is not to be had."""
    lacking = sorted((entitlement.groups or frozenset()) - known.names_of(member))
    if not terms.capabilities.can_change_groups:
        cause = "the app's API changes no groups"
        return [], [], [Because(reason=Reason.APP_REFUSED, about=name, cause=cause) for name in lacking]
    make: list[Step] = []
    join: list[Step] = []
    notes: list[Because] = []
    for name in lacking:
        because = _why(entitlement, name)
        if (group := known.by_name.get(name)) is not None:
            operation: Operation = Join(account=member.id, group=group, login=member.login)
            join.append(Step(operation=operation, because=because))
        elif name not in known.twice and terms.capabilities.can_create_group:
            make.append(Step(operation=CreateGroup(name=name), because=because))
        else:
            cause = "two groups have this name" if name in known.twice else "the app's API makes no groups"
            notes.append(Because(reason=Reason.APP_GROUP_MISSING, about=name, cause=cause))
    return make, join, notes


def _role_steps(
    entitlement: Entitlement, member: Member, terms: Terms
) -> tuple[list[Step], list[Step], list[Because]]:
    """A step that lowers the role, or one that raises it; and a word when it is left alone."""
    role = entitlement.role
    is_silent = entitlement.groups is None and not _is_ours(member.role, terms)
    if role is None or role == member.role or is_silent or not terms.capabilities.can_set_role:
        return [], [], []
    step = Step(operation=SetRole(account=member.id, role=role), because=_why(entitlement, role))
    if member.role is None:
        is_told = terms.binding is not None and terms.binding.granted_role == role
        return [], [] if is_told else [step], []
    if is_higher(role, member.role, terms.roles):
        return [], [step], []
    if not _may_lower(entitlement, member.role, terms):
        return [], [], []
    if terms.is_untouchable:
        return [], [], [_left_alone(f"role {member.role}", terms)]
    return [replace(step, takes_away=True)], [], []


def is_higher(role: RoleName, than: RoleName, order: tuple[Role, ...]) -> bool:
    """False too where one of them is not in the order: nobody said how they compare."""
    names = [one.name for one in order]
    return role in names and than in names and names.index(role) > names.index(than)


def _may_lower(entitlement: Entitlement, present: RoleName, terms: Terms) -> bool:
    """Mode `exact`, or a role that we granted ourselves; a role we do not know counts as somebody's decision."""
    return entitlement.groups is not None and (entitlement.is_role_exact or _is_ours(present, terms))


def _is_ours(role: RoleName | None, terms: Terms) -> bool:
    """We set it, or made the account that came with it."""
    return role is not None and terms.binding is not None and terms.binding.granted_role == role


def _profile(wanted: Wanted, member: Member, terms: Terms) -> list[Step]:
    """Name and address as the IdP states them, where the operator wants that and the account is not protected."""
    if not terms.keeps_profile or not terms.capabilities.can_set_profile or terms.is_protected:
        return []
    identity = wanted.identity
    email = identity.email or member.email
    name = terms.capabilities.name_limits.kept(identity.name or "") or member.name
    if (email or "").lower() == (member.email or "").lower() and name == member.name:
        return []
    because = Because(reason=Reason.PLANNED, about="profile", cause=f"{identity.idp} states another one")
    return [Step(operation=SetProfile(account=member.id, email=email, name=name), because=because)]


def _watched(entitlement: Entitlement, member: Member, known: _Known) -> list[Because]:
    """What links in `observe` mode would change."""
    present = known.names_of(member)
    would_join = entitlement.observed - present
    would_leave = (entitlement.observed_owned & present) - entitlement.observed
    return [
        *(
            Because(reason=Reason.OBSERVED_ONLY, about=name, cause="would join")
            for name in sorted(would_join)
        ),
        *(
            Because(reason=Reason.OBSERVED_ONLY, about=name, cause="would leave")
            for name in sorted(would_leave)
        ),
    ]


def _why(entitlement: Entitlement, about: str) -> Because:
    """The first cause named for a group or role."""
    notes = (one for one in entitlement.because if one.about == about)
    return next(notes, Because(reason=Reason.PLANNED, about=about, cause="as entitled"))


def _left_alone(about: str, terms: Terms) -> Because:
    cause = "protected account" if terms.is_protected else "last administrator"
    return Because(reason=Reason.PROTECTED_LEFT_ALONE, about=about, cause=cause)
