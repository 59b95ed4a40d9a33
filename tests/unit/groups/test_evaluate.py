"""The acceptance table of evaluation row by row, and admission."""

from dataclasses import replace

import pytest

from proxy.groups.evaluate import admit, email_domain, entitle
from proxy.groups.model import Entitlement, GroupsOf
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
from proxy.identity import NOT_STATED, Groups
from proxy.reasons import Reason
from tests.fakes.provisioning import GOOGLE, JOIN, OKTA, identity, known


def names(*groups: str) -> frozenset[AppGroupName]:
    return frozenset(AppGroupName(group) for group in groups)


def link(app_group: str, *idp_groups: str, mode: LinkMode = LinkMode.ACTIVE) -> Link:
    return Link(app_group=AppGroupName(app_group), idp_groups=known(*idp_groups), mode=mode)


def role_rules(**grants: frozenset[AppGroupName]) -> RoleRules:
    """end-user < builder < admin, each with its role group; `grants` names app groups that grant a role."""
    roles = (("end-user", "end-users"), ("builder", "builders"), ("admin", "admin"))
    return RoleRules(
        order=tuple(
            Role(
                name=RoleName(name),
                group=AppGroupName(group),
                app_groups=grants.get(name.replace("-", "_"), frozenset()),
            )
            for name, group in roles
        ),
        default=RoleName("end-user"),
    )


ROLE_GROUPS = ("end-users", "builders", "admin")
TABLE = GroupRules(is_same_name=True, roles=role_rules())


def judged(groups: Groups, rules: GroupRules, *app_groups: str) -> Entitlement:
    return entitle((GroupsOf(idp=OKTA, groups=groups),), rules, names(*ROLE_GROUPS, *app_groups))


def plain(groups: frozenset[AppGroupName] | None) -> set[str] | None:
    return None if groups is None else {str(group) for group in groups}


def why(entitlement: Entitlement, about: str) -> list[Reason]:
    return [because.reason for because in entitlement.because if because.about == about]


# --- semantics §8, row by row -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "role", "role_group"),
    [
        ("admin", "admin", "admin"),
        ("builder", "builder", "builders"),
        ("end-user", "end-user", "end-users"),
        ("builders", "builder", "builders"),
        ("end-users", "end-user", "end-users"),
    ],
)
def test_a_group_named_like_a_role_or_its_group_gives_that_role_and_its_group(
    group: str, role: str, role_group: str
) -> None:
    found = judged(known(group), TABLE)
    assert (str(found.role), plain(found.groups)) == (role, {role_group})


def test_engineers_exists_and_grants_nothing() -> None:
    found = judged(known("engineers"), TABLE, "engineers")
    assert (str(found.role), plain(found.groups)) == ("end-user", {"engineers", "end-users"})
    assert why(found, "engineers") == [Reason.SAME_NAME]
    assert why(found, "end-user") == [Reason.DEFAULT_ROLE]
    assert why(found, "end-users") == [Reason.ROLE_GROUP]


def test_engineers_exists_and_grants_build() -> None:
    rules = replace(TABLE, roles=role_rules(builder=names("engineers")))
    found = judged(known("engineers"), rules, "engineers")
    assert (str(found.role), plain(found.groups)) == ("builder", {"engineers", "builders"})
    assert why(found, "builder") == [Reason.GRANTED_BY_GROUP]


@pytest.mark.parametrize(
    ("grants", "role_group"), [(frozenset(), "end-users"), (names("all-apps"), "builders")]
)
def test_engineers_is_absent_and_mapped_to_all_apps(grants: frozenset[AppGroupName], role_group: str) -> None:
    rules = replace(TABLE, links=(link("all-apps", "engineers"),), roles=role_rules(builder=grants))
    assert plain(judged(known("engineers"), rules, "all-apps").groups) == {"all-apps", role_group}


def test_engineers_is_absent_and_mapped_to_builders() -> None:
    found = judged(known("engineers"), replace(TABLE, links=(link("builders", "engineers"),)))
    assert (str(found.role), plain(found.groups)) == ("builder", {"builders"})


def test_admin_and_all_apps() -> None:
    found = judged(known("admin", "all-apps"), TABLE, "all-apps")
    assert (str(found.role), plain(found.groups)) == ("admin", {"all-apps", "admin"})


def test_no_groups_known() -> None:
    assert plain(judged(known(), TABLE).groups) == {"end-users"}


@pytest.mark.parametrize("rules", [TABLE, replace(TABLE, links=(link("builders", "engineers"),))])
def test_groups_not_stated_change_nothing(rules: GroupRules) -> None:
    found = judged(NOT_STATED, rules)
    assert (plain(found.groups), plain(found.owned), str(found.role)) == (None, set(), "end-user")
    assert why(found, "groups") == [Reason.NOT_STATED]


def test_admin_and_end_user_make_an_admin() -> None:
    found = judged(known("admin", "end-user"), TABLE)
    assert (str(found.role), plain(found.groups)) == ("admin", {"admin"})


def test_engineers_with_a_capital_is_no_match() -> None:
    found = judged(known("Engineers"), TABLE, "engineers")
    assert plain(found.groups) == {"end-users"}
    assert why(found, "Engineers") == [Reason.NO_MATCH]


# --- links --------------------------------------------------------------------------------------------------------


def test_a_link_is_a_union_and_says_which_idp_group_led_there() -> None:
    found = judged(known("b"), GroupRules(links=(link("team", "a", "b"),)), "team")
    assert plain(found.groups) == {"team"}
    assert [(one.reason, one.cause) for one in found.because] == [(Reason.LINKED, "okta group 'b'")]


def test_patterns_come_before_links_roles_and_the_default_group() -> None:
    rules = GroupRules(
        links=(link("Developers", "engineers"), link("Writers", "app-authors")),
        include=("app-*",),
        default_group=AppGroupName("Everyone"),
    )
    every = ("Developers", "Writers", "Everyone")
    held = judged(known("engineers", "app-authors"), rules, *every)
    assert plain(held.groups) == {"Writers"}
    assert why(held, "engineers") == [], "a group left out is not even a group without a match"
    assert plain(judged(known("engineers"), rules, *every).groups) == {"Everyone"}


def test_what_several_idps_say_is_united_and_the_silent_one_takes_nothing_away() -> None:
    rules = GroupRules(links=(link("eng", "e"), link("sales", "s")))
    said = (
        GroupsOf(idp=OKTA, groups=known("e")),
        GroupsOf(idp=GOOGLE, groups=known("s")),
    )
    assert plain(entitle(said, rules, names("eng", "sales")).groups) == {"eng", "sales"}
    silent = (*said, GroupsOf(idp=GOOGLE, groups=NOT_STATED))
    assert plain(entitle(silent, rules, names("eng", "sales")).groups) == {"eng", "sales"}


def test_a_link_for_one_idp_hears_only_that_one() -> None:
    only_google = replace(link("team", "a"), idps=frozenset({GOOGLE}))
    rules = GroupRules(links=(only_google,))
    assert plain(judged(known("a"), rules, "team").groups) == set()
    assert plain(entitle((GroupsOf(idp=GOOGLE, groups=known("a")),), rules, names("team")).groups) == {"team"}


def test_a_link_that_is_off_is_not_owned() -> None:
    found = judged(known("a"), GroupRules(links=(link("team", "a", mode=LinkMode.OFF),)), "team")
    assert (plain(found.groups), plain(found.owned), plain(found.observed_owned)) == (set(), set(), set())


def test_a_link_that_is_watched_is_reported_and_not_owned() -> None:
    watched = (link("team", "a", mode=LinkMode.OBSERVE), link("other", "b", mode=LinkMode.OBSERVE))
    found = judged(known("a"), GroupRules(links=watched), "team", "other")
    assert (plain(found.groups), plain(found.owned)) == (set(), set())
    assert (plain(found.observed), plain(found.observed_owned)) == ({"team"}, {"team", "other"})
    assert why(found, "team") == [Reason.OBSERVED_ONLY]


@pytest.mark.parametrize(
    ("missing", "groups"), [(Missing.IGNORE, set()), (Missing.CREATE, {"team"}), (Missing.ERROR, set())]
)
def test_a_linked_group_that_is_missing(missing: Missing, groups: set[str]) -> None:
    found = judged(known("a"), GroupRules(links=(link("team", "a"),), missing=missing))
    assert plain(found.groups) == groups
    assert why(found, "team") == [Reason.LINKED, Reason.APP_GROUP_MISSING]


def test_a_role_group_that_is_missing_is_said_and_never_made() -> None:
    rules = replace(TABLE, missing=Missing.CREATE)
    found = entitle((GroupsOf(idp=OKTA, groups=known()),), rules, frozenset())
    assert plain(found.groups) == set()
    assert Reason.APP_GROUP_MISSING in why(found, "end-users")


# --- default group ------------------------------------------------------------------------------------------------

DEFAULT = GroupRules(links=(link("team", "a"),), default_group=AppGroupName("everyone"))


@pytest.mark.parametrize(
    ("groups", "expected"), [(known("a"), {"team"}), (known(), {"everyone"}), (known("z"), {"everyone"})]
)
def test_whoever_matches_nothing_joins_the_default_group(groups: Groups, expected: set[str]) -> None:
    found = judged(groups, DEFAULT, "team", "everyone")
    assert plain(found.groups) == expected
    assert plain(found.owned) == {"team", "everyone"}


def test_groups_not_stated_join_no_default_group() -> None:
    assert plain(judged(NOT_STATED, DEFAULT, "team", "everyone").groups) is None


def test_a_default_group_that_is_missing_is_said() -> None:
    found = judged(known(), DEFAULT, "team")
    assert plain(found.groups) == set()
    assert why(found, "everyone") == [Reason.APP_GROUP_MISSING]


def test_whoever_matches_a_watched_link_only_neither_joins_nor_leaves_the_default_group() -> None:
    rules = replace(DEFAULT, links=(link("team", "a", mode=LinkMode.OBSERVE),))
    found = judged(known("a"), rules, "team", "everyone")
    assert (plain(found.groups), plain(found.owned)) == (set(), set())


# --- roles without role groups ------------------------------------------------------------------------------------

PLAIN = RoleRules(
    order=(
        Role(name=RoleName("reader"), idp_groups=known("all")),
        Role(name=RoleName("writer"), idp_groups=known("eng"), app_groups=names("team")),
    ),
    is_exact=True,
)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (known("eng", "all"), "writer"),
        (known("all"), "reader"),
        (known("a"), "writer"),
        (known("writer"), None),
    ],
)
def test_the_highest_granted_role_wins_and_a_bare_name_grants_nothing(
    groups: Groups, role: str | None
) -> None:
    found = judged(groups, GroupRules(links=(link("team", "a"),), roles=PLAIN), "team")
    assert found.role == role
    assert found.is_role_exact


def test_a_group_that_only_grants_a_role_is_not_called_unmatched() -> None:
    assert why(judged(known("all"), GroupRules(roles=PLAIN)), "all") == []


def test_a_link_wins_over_a_role_of_the_same_name() -> None:
    rules = replace(TABLE, links=(link("friends", "admin"),))
    found = judged(known("admin"), rules, "friends")
    assert (str(found.role), plain(found.groups)) == ("end-user", {"friends", "end-users"})


def test_a_link_of_another_idp_takes_no_role_of_this_one_away() -> None:
    elsewhere = replace(link("friends", "admin"), idps=frozenset({GOOGLE}))
    found = judged(known("admin"), replace(TABLE, links=(elsewhere,)), "friends")
    assert (str(found.role), plain(found.groups)) == ("admin", {"admin"})
    assert why(found, "admin") == [Reason.GRANTED_BY_GROUP, Reason.ROLE_GROUP], "nor is it unmatched"


# --- equal names that led somewhere before ------------------------------------------------------------------------


def test_a_group_that_equal_names_led_to_before_is_owned_and_so_may_be_left() -> None:
    said = (GroupsOf(idp=OKTA, groups=known("new")),)
    found = entitle(said, GroupRules(is_same_name=True), names("old", "new"), seen=names("old"))
    assert (plain(found.groups), plain(found.owned)) == ({"new"}, {"old", "new"})


# --- the causes that an operator reads ----------------------------------------------------------------------------

LACKING = GroupRules(links=(link("team", "a"),), default_group=AppGroupName("everyone"))


@pytest.mark.parametrize(
    ("rules", "groups", "app_groups", "causes"),
    [
        (LACKING, NOT_STATED, (), [(Reason.NOT_STATED, "groups", "no IdP ever stated any")]),
        (
            LACKING,
            known("z"),
            ("everyone",),
            [
                (Reason.NO_MATCH, "z", "okta group 'z'"),
                (Reason.DEFAULT_GROUP, "everyone", "no group matches"),
            ],
        ),
        (LACKING, known(), (), [(Reason.APP_GROUP_MISSING, "everyone", "missing: ignore")]),
        (
            TABLE,
            known("admin"),
            ROLE_GROUPS,
            [
                (Reason.GRANTED_BY_GROUP, "admin", "okta group 'admin'"),
                (Reason.ROLE_GROUP, "admin", "role admin"),
            ],
        ),
        (
            TABLE,
            known(),
            (),
            [
                (Reason.DEFAULT_ROLE, "end-user", "no group grants a role"),
                (Reason.APP_GROUP_MISSING, "end-users", "role end-user"),
            ],
        ),
    ],
)
def test_the_causes_word_for_word(
    rules: GroupRules, groups: Groups, app_groups: tuple[str, ...], causes: list[tuple[Reason, str, str]]
) -> None:
    found = entitle((GroupsOf(idp=OKTA, groups=groups),), rules, names(*app_groups))
    assert [(one.reason, one.about, one.cause) for one in found.because] == causes


# --- switched off -------------------------------------------------------------------------------------------------


def test_with_groups_off_nothing_is_joined_left_or_granted() -> None:
    found = judged(known("admin"), replace(TABLE, is_enabled=False))
    assert found == Entitlement(groups=None, owned=frozenset(), role=None)


# --- admission ----------------------------------------------------------------------------------------------------


def test_a_verified_address_in_an_allowed_domain_is_admitted() -> None:
    assert admit(identity(), JOIN) is None


@pytest.mark.parametrize("deny", ["ada@example.com", "https://okta.example ada"])
def test_the_deny_list_comes_first(deny: str) -> None:
    denied = replace(identity(), email="Ada@Example.com", is_email_verified=False)
    assert admit(denied, replace(JOIN, deny=frozenset({deny}))) is Reason.DENY_LISTED


@pytest.mark.parametrize("email", [None, "missing"])
def test_no_address_is_no_admission(email: str | None) -> None:
    expected = Reason.EMAIL_MISSING if email is None else Reason.DOMAIN_NOT_ALLOWED
    assert admit(identity(email=email), JOIN) is expected


@pytest.mark.parametrize(
    ("address", "domains", "is_admitted"),
    [
        ("a@example.com", {"example.com"}, True),
        ("a@EXAMPLE.com", {"example.com"}, True),
        ("a@evil-example.com", {"example.com"}, False),
        ("a@sub.example.com", {"example.com"}, False),
        ("a@example.com.evil.org", {"example.com"}, False),
        ("a@b@example.com", {"example.com"}, False),
        ("@example.com", {"example.com"}, False),
        ("a@", {"example.com"}, False),
        ("a@example.com.", {"example.com"}, False),
        ("a@bücher.example", {"xn--bcher-kva.example"}, True),
        ("a@BÜCHER.example", {"xn--bcher-kva.example"}, True),
        ("a@xn--bcher-kva.example", {"xn--bcher-kva.example"}, True),
        ("a@ｅxample.com", {"example.com"}, False),
        ("a@example.com", set(), False),
        ("a@anything.example", {"*"}, True),
        ("a@b@anything.example", {"*"}, False),
        ("a@", {"*"}, False),
        ("@anything.example", {"*"}, False),
    ],
)
def test_a_domain_is_matched_exactly(address: str, domains: set[str], is_admitted: bool) -> None:
    refusal = admit(identity(email=address), JoinRules(domains=frozenset(domains)))
    assert refusal is (None if is_admitted else Reason.DOMAIN_NOT_ALLOWED)


def test_an_address_that_is_not_verified_is_no_admission_unless_its_idp_is_trusted() -> None:
    unverified = identity(is_email_verified=False)
    assert admit(unverified, JOIN) is Reason.EMAIL_NOT_VERIFIED
    assert admit(unverified, replace(JOIN, trusted_idps=frozenset({OKTA}))) is None


@pytest.mark.parametrize(
    ("hosted_domain", "refusal"),
    [
        ("example.com", None),
        ("Example.com", None),
        ("other.example", Reason.DOMAIN_NOT_ALLOWED),
        (None, Reason.DOMAIN_NOT_ALLOWED),
    ],
)
def test_where_the_idp_hosts_domains_its_claim_decides(
    hosted_domain: str | None, refusal: Reason | None
) -> None:
    rules = replace(JOIN, hosted_domain_idps=frozenset({OKTA}))
    assert admit(identity(hosted_domain=hosted_domain), rules) is refusal


def test_the_domain_of_an_address_that_is_none() -> None:
    assert email_domain("nobody") is None
    assert email_domain("a@\u2024.example") is None
