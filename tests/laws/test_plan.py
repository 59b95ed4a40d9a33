"""Laws of planning: planning again finds nothing, a plan reaches what was entitled, every prefix is safe to stop at."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from proxy.groups.rules import AppGroupName, Role, RoleName
from proxy.provisioning.app_admin import Capabilities
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Create,
    CreateGroup,
    Entitlement,
    Gone,
    GroupId,
    Join,
    Leave,
    Member,
    Operation,
    Profile,
    Refused,
    Restore,
    SetProfile,
    SetRole,
    Should,
    Wanted,
)
from proxy.provisioning.plan import Terms, plan
from proxy.reasons import Reason
from tests.fakes.provisioning import binding, identity

NAMES = [AppGroupName(name) for name in ("a", "b", "c", "d", "new")]
APP = tuple(AppGroup(id=GroupId(f"#{name}"), name=name) for name in NAMES[:4])
ORDER = tuple(Role(name=RoleName(name)) for name in ("reader", "writer", "boss"))
ROLE_NAMES = [None, *(role.name for role in ORDER), RoleName("odd")]

groups = st.frozensets(st.sampled_from(NAMES))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The app, as far as one account goes, and the role that we remember having given."""

    member: Member | None
    app_groups: tuple[AppGroup, ...] = APP
    granted: RoleName | None = None

    def names(self) -> frozenset[AppGroupName]:
        ids = self.member.groups if self.member and self.member.groups else frozenset()
        return frozenset(group.name for group in self.app_groups if group.id in ids)


def members() -> st.SearchStrategy[Member]:
    return st.builds(
        Member,
        id=st.just(AccountId("1")),
        login=st.just("ada"),
        email=st.sampled_from(["ada@example.com", "old@example.com", None]),
        name=st.sampled_from(["Ada", "Old", None]),
        is_active=st.booleans(),
        role=st.sampled_from(ROLE_NAMES),
        groups=st.frozensets(st.sampled_from([group.id for group in APP])),
    )


worlds = st.builds(World, member=st.one_of(st.none(), members()), granted=st.sampled_from(ROLE_NAMES))


@st.composite
def wanteds(draw: st.DrawFn) -> Wanted:
    wanted = draw(st.one_of(st.none(), groups))
    owned = frozenset() if wanted is None else draw(groups) | wanted
    entitlement = Entitlement(
        groups=wanted,
        owned=owned,
        role=draw(st.sampled_from([None, *(role.name for role in ORDER)])),
        is_role_exact=draw(st.booleans()),
    )
    return Wanted(entitlement=entitlement, identity=identity())


shoulds: st.SearchStrategy[Should] = st.one_of(
    wanteds(),
    st.just(Gone(reason=Reason.IDP_DENIED)),
    st.sampled_from([Refused(reason=Reason.DENY_LISTED), Refused(reason=Reason.NOT_INVITED)]),
)


@st.composite
def conditions(draw: st.DrawFn) -> Terms:
    able = Capabilities(
        can_archive=draw(st.booleans()),
        can_create_group=draw(st.booleans()),
        can_change_groups=draw(st.booleans()),
        can_set_role=draw(st.booleans()),
        can_set_profile=draw(st.booleans()),
        can_edit_archived=draw(st.booleans()),
    )
    return Terms(
        capabilities=able,
        roles=ORDER,
        is_protected=draw(st.booleans()),
        is_last_admin=draw(st.booleans()),
        profile=Profile(login="ada", email="ada@example.com", name="Ada"),
        owned=draw(groups),
        keeps_profile=draw(st.booleans()),
    )


def terms_in(world: World, terms: Terms) -> Terms:
    return replace(terms, binding=binding(role=world.granted))


def perform(world: World, operation: Operation) -> World:
    """What an honest app makes of an operation, and what the courier writes down of it."""
    member = world.member
    match operation:
        case Create(profile=profile):
            made = Member(
                id=AccountId("1"), login=profile.login, email=profile.email, name=profile.name, is_active=True
            )
            return replace(world, member=made)
        case CreateGroup(name=name):
            return replace(world, app_groups=(*world.app_groups, AppGroup(id=GroupId(f"#{name}"), name=name)))
    assert member is not None
    match operation:
        case Restore():
            return replace(world, member=replace(member, is_active=True))
        case Archive():
            return replace(world, member=replace(member, is_active=False))
        case SetProfile():
            changed = replace(member, email=operation.email, name=operation.name)
            return replace(world, member=changed)
        case SetRole(role=role):
            return replace(world, member=replace(member, role=role), granted=role)
        case Join(group=group):
            return replace(world, member=replace(member, groups=(member.groups or frozenset()) | {group.id}))
        case Leave(group=group):
            return replace(world, member=replace(member, groups=(member.groups or frozenset()) - {group.id}))


def carry_out(should: Should, world: World, terms: Terms) -> World:
    """Plan and perform until there is nothing to do, as the courier does: after creating something it looks again."""
    for _ in range(4):
        steps = plan(should, world.member, world.app_groups, terms_in(world, terms)).steps
        if not steps:
            return world
        for step in steps:
            world = perform(world, step.operation)
    raise AssertionError("four rounds were not enough")


@given(shoulds, worlds, conditions())
def test_planning_again_finds_nothing_to_do(should: Should, world: World, terms: Terms) -> None:
    after = carry_out(should, world, terms)
    assert plan(should, after.member, after.app_groups, terms_in(after, terms)).steps == ()


@given(shoulds, worlds, conditions())
def test_without_something_new_to_be_made_one_plan_is_enough(
    should: Should, world: World, terms: Terms
) -> None:
    steps = plan(should, world.member, world.app_groups, terms_in(world, terms)).steps
    if any(isinstance(step.operation, Create | CreateGroup) for step in steps):
        return
    for step in steps:
        world = perform(world, step.operation)
    assert plan(should, world.member, world.app_groups, terms_in(world, terms)).steps == ()


@given(wanteds(), worlds, conditions())
def test_a_plan_reaches_what_was_entitled(wanted: Wanted, world: World, terms: Terms) -> None:
    able = replace(terms.capabilities, can_change_groups=True, can_create_group=True, can_set_role=True)
    free = replace(terms, capabilities=able, is_protected=False, is_last_admin=False)
    after = carry_out(wanted, world, free)
    assert after.member is not None
    assert after.member.is_active
    entitlement = wanted.entitlement
    if entitlement.groups is not None:
        assert entitlement.groups <= after.names()
        assert not (after.names() & entitlement.owned) - entitlement.groups
        if entitlement.is_role_exact and entitlement.role is not None:
            assert after.member.role == entitlement.role or after.granted == entitlement.role


@given(worlds, conditions())
def test_whoever_is_gone_ends_archived_or_out_of_every_owned_group(world: World, terms: Terms) -> None:
    free = replace(terms, is_protected=False, is_last_admin=False)
    after = carry_out(Gone(reason=Reason.IDP_DENIED), world, free)
    assert after.member is None or not after.member.is_active or not terms.capabilities.can_archive
    if (
        not terms.capabilities.can_archive
        and terms.capabilities.can_change_groups
        and after.member
        and after.member.is_active
    ):
        assert not after.names() & terms.owned


@given(shoulds, worlds, conditions())
def test_unlinked_groups_are_never_touched(should: Should, world: World, terms: Terms) -> None:
    ours = should.entitlement.owned if isinstance(should, Wanted) else terms.owned
    after = carry_out(should, world, terms)
    assert after.names() - ours == world.names() - ours


@given(wanteds(), worlds, conditions(), st.data())
def test_every_prefix_of_a_plan_is_safe_to_stop_at(
    wanted: Wanted, world: World, terms: Terms, data: st.DataObject
) -> None:
    """Nobody gets in with what they should not have, and nobody is more than they were or should be."""
    steps = plan(wanted, world.member, world.app_groups, terms_in(world, terms)).steps
    cut = data.draw(st.integers(min_value=0, max_value=len(steps)))
    before, was_active = world.names(), world.member is not None and world.member.is_active
    for step in steps[:cut]:
        world = perform(world, step.operation)
    entitlement = wanted.entitlement
    assert world.names() <= before | (entitlement.groups or frozenset())
    came_in = world.member is not None and world.member.is_active and not was_active
    can_leave = terms.capabilities.can_change_groups and terms.capabilities.can_edit_archived
    if came_in and can_leave and not terms.is_untouchable and entitlement.groups is not None:
        assert not (world.names() & entitlement.owned) - entitlement.groups


@given(wanteds(), worlds, conditions())
def test_power_comes_last(wanted: Wanted, world: World, terms: Terms) -> None:
    ranks = [role.name for role in ORDER]
    operations = [
        step.operation for step in plan(wanted, world.member, world.app_groups, terms_in(world, terms)).steps
    ]
    for index, operation in enumerate(operations):
        present = world.member.role if world.member else None
        if (
            isinstance(operation, SetRole)
            and present in ranks
            and ranks.index(operation.role) > ranks.index(present)
        ):
            assert index == len(operations) - 1


@given(wanteds(), worlds, conditions())
def test_silence_takes_nothing_away(wanted: Wanted, world: World, terms: Terms) -> None:
    silent = replace(wanted, entitlement=replace(wanted.entitlement, groups=None, owned=frozenset()))
    steps = plan(silent, world.member, world.app_groups, terms_in(world, terms)).steps
    assert not any(isinstance(step.operation, Leave | Archive) or step.takes_away for step in steps)


@given(shoulds, worlds, conditions())
def test_the_protected_lose_nothing(should: Should, world: World, terms: Terms) -> None:
    steps = plan(
        should, world.member, world.app_groups, terms_in(world, replace(terms, is_protected=True))
    ).steps
    assert not any(isinstance(step.operation, Leave | Archive) or step.takes_away for step in steps)


@given(shoulds, worlds, conditions())
def test_whatever_takes_away_says_so_unless_the_account_is_archived(
    should: Should, world: World, terms: Terms
) -> None:
    if world.member is None or not world.member.is_active:
        return
    for step in plan(should, world.member, world.app_groups, terms_in(world, terms)).steps:
        if isinstance(step.operation, Leave | Archive):
            assert step.takes_away
