"""Laws of evaluation: what is unlinked is never owned, silence changes nothing, more groups never mean less."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxy.groups.evaluate import admit, entitle
from proxy.groups.links import header_groups, linked_groups, owned_groups
from proxy.groups.model import GroupsOf
from proxy.groups.rules import (
    AppGroupName,
    GroupRules,
    JoinRules,
    Link,
    LinkMode,
    Missing,
    Role,
    RoleName,
    RoleRules,
)
from proxy.identity import NOT_STATED, GroupName, Identity
from tests.fakes.provisioning import GOOGLE, OKTA, identity

IDP_GROUPS = [GroupName(name) for name in ("eng", "sales", "admin", "admins", "x")]
APP_GROUPS = [AppGroupName(name) for name in ("eng", "team", "admins", "users", "everyone")]

idp_groups = st.frozensets(st.sampled_from(IDP_GROUPS))
app_groups = st.frozensets(st.sampled_from(APP_GROUPS))
links = st.builds(
    Link,
    app_group=st.sampled_from(APP_GROUPS),
    idp_groups=idp_groups,
    mode=st.sampled_from(LinkMode),
    idps=st.frozensets(st.sampled_from([OKTA, GOOGLE]), max_size=1),
)
roles = st.sampled_from(
    [
        RoleRules(),
        RoleRules(
            order=(
                Role(name=RoleName("user"), group=AppGroupName("users")),
                Role(
                    name=RoleName("admin"),
                    group=AppGroupName("admins"),
                    app_groups=frozenset({AppGroupName("team")}),
                ),
            ),
            default=RoleName("user"),
        ),
        RoleRules(order=(Role(name=RoleName("user")), Role(name=RoleName("admin"), idp_groups=frozenset(IDP_GROUPS[:1])))),
    ]
)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> GroupRules:
    made = GroupRules(
        links=tuple(draw(st.lists(links, max_size=4))),
        is_same_name=draw(st.booleans()),
        is_case_sensitive=draw(st.booleans()),
        missing=draw(st.sampled_from(Missing)),
        roles=draw(roles),
    )
    has_role_groups = any(role.group for role in made.roles.order)
    default = draw(st.sampled_from([None, AppGroupName("everyone")]))
    return made if has_role_groups else replace(made, default_group=default)


@given(rules(), idp_groups, app_groups)
def test_only_linked_groups_are_owned_and_joined(
    ruled: GroupRules, groups: frozenset[GroupName], app: frozenset[AppGroupName]
) -> None:
    found = entitle((GroupsOf(idp=OKTA, groups=groups),), ruled, app)
    assert found.groups is not None
    namesakes = {str(group) for group in groups} if ruled.is_same_name else set()
    assert found.groups <= found.owned
    assert {str(one) for one in found.owned} <= {str(one) for one in owned_groups(ruled)} | namesakes


@given(rules(), idp_groups, app_groups)
def test_a_link_that_is_off_or_watched_is_neither_joined_nor_owned(
    ruled: GroupRules, groups: frozenset[GroupName], app: frozenset[AppGroupName]
) -> None:
    found = entitle((GroupsOf(idp=OKTA, groups=groups),), ruled, app)
    role_groups = {role.group for role in ruled.roles.order}
    idle = linked_groups(ruled, LinkMode.OFF, LinkMode.OBSERVE) - linked_groups(ruled, LinkMode.ACTIVE)
    assert not (found.owned & idle) - role_groups - {ruled.default_group}
    assert found.observed <= found.observed_owned <= app


@given(rules(), app_groups)
def test_silence_changes_nothing(ruled: GroupRules, app: frozenset[AppGroupName]) -> None:
    found = entitle(
        (GroupsOf(idp=OKTA, groups=NOT_STATED), GroupsOf(idp=GOOGLE, groups=NOT_STATED)), ruled, app
    )
    assert (found.groups, found.owned) == (None, frozenset())


@given(rules(), idp_groups, app_groups)
def test_one_idps_silence_takes_nothing_away_that_another_grants(
    ruled: GroupRules, groups: frozenset[GroupName], app: frozenset[AppGroupName]
) -> None:
    alone = (GroupsOf(idp=OKTA, groups=groups),)
    assert entitle((*alone, GroupsOf(idp=GOOGLE, groups=NOT_STATED)), ruled, app) == entitle(
        alone, ruled, app
    )


@given(rules(), idp_groups, idp_groups, app_groups)
def test_more_groups_never_mean_a_lower_role_or_fewer_linked_groups(
    ruled: GroupRules, groups: frozenset[GroupName], more: frozenset[GroupName], app: frozenset[AppGroupName]
) -> None:
    less = entitle((GroupsOf(idp=OKTA, groups=groups),), ruled, app)
    most = entitle((GroupsOf(idp=OKTA, groups=groups | more),), ruled, app)
    order = [role.name for role in ruled.roles.order]
    assert less.groups is not None
    assert most.groups is not None
    exclusive = {role.group for role in ruled.roles.order} | {ruled.default_group}
    assert less.groups - exclusive <= most.groups
    assert (order.index(less.role) if less.role in order else -1) <= (
        order.index(most.role) if most.role in order else -1
    )


@given(rules(), idp_groups, app_groups)
def test_nobody_is_in_two_role_groups(
    ruled: GroupRules, groups: frozenset[GroupName], app: frozenset[AppGroupName]
) -> None:
    found = entitle((GroupsOf(idp=OKTA, groups=groups),), ruled, app)
    assert len((found.groups or frozenset()) & {role.group for role in ruled.roles.order}) <= 1


@given(rules(), idp_groups, app_groups)
def test_every_group_that_is_joined_has_its_cause(
    ruled: GroupRules, groups: frozenset[GroupName], app: frozenset[AppGroupName]
) -> None:
    found = entitle((GroupsOf(idp=OKTA, groups=groups),), ruled, app)
    assert {str(group) for group in found.groups or ()} <= {because.about for because in found.because}


@given(rules(), idp_groups, idp_groups)
def test_the_app_is_told_of_nothing_that_the_idp_did_not_state(
    ruled: GroupRules, groups: frozenset[GroupName], allowed: frozenset[GroupName]
) -> None:
    told = header_groups(groups, ruled, allowed)
    assert told is not None
    assert set(told) <= groups
    assert groups & allowed <= set(told)
    assert list(told) == sorted(told)


addresses = st.one_of(
    st.emails(), st.text(max_size=20), st.text(max_size=8).map(lambda text: f"{text}@example.com")
)


@given(addresses)
def test_any_text_as_an_address_is_judged_and_only_one_domain_is_admitted(address: str) -> None:
    stated: Identity = identity(email=address or None)
    is_admitted = admit(stated, JoinRules(domains=frozenset({"example.com"}))) is None
    assert not is_admitted or (address.lower().endswith("@example.com") and address.count("@") == 1)


@given(addresses)
def test_no_rule_admits_nobody(address: str) -> None:
    assert admit(identity(email=address or None), JoinRules()) is not None
