"""Which IdP groups lead to which app groups, and which of them the app is told."""

from dataclasses import replace

import pytest

from proxy.groups.links import (
    header_groups,
    linked_groups,
    match_groups,
    named_role,
    observed_groups,
    owned_groups,
    regarded,
)
from proxy.groups.rules import AppGroupName, GroupRules, Link, LinkMode, Missing, Role, RoleName, RoleRules
from proxy.identity import NOT_STATED, GroupName, Groups
from proxy.reasons import Reason
from tests.fakes.provisioning import GOOGLE, OKTA, known

SAME = GroupRules(is_same_name=True)
NFC, NFD = "caf\u00e9", "cafe\u0301"


def names(*groups: str) -> frozenset[AppGroupName]:
    return frozenset(AppGroupName(group) for group in groups)


def link(app_group: str, *idp_groups: str, mode: LinkMode = LinkMode.ACTIVE) -> Link:
    return Link(app_group=AppGroupName(app_group), idp_groups=known(*idp_groups), mode=mode)


def led_to(groups: frozenset[GroupName], rules: GroupRules, *app_groups: str) -> set[str]:
    return {match.app_group for match in match_groups(OKTA, groups, rules, names(*app_groups))}


def test_equal_names_link_what_exists() -> None:
    assert led_to(known("eng", "other"), SAME, "eng", "sales") == {"eng"}


def test_without_same_name_equal_names_mean_nothing() -> None:
    assert led_to(known("eng"), GroupRules(), "eng") == set()


def test_names_are_compared_in_nfc() -> None:
    assert led_to(known(NFD), SAME, NFC) == {NFC}
    assert led_to(known(NFD), GroupRules(links=(link("team", NFC),)), "team") == {"team"}


@pytest.mark.parametrize(("is_case_sensitive", "expected"), [(True, set()), (False, {"engineers", "team"})])
def test_case_counts_unless_the_operator_says_otherwise(is_case_sensitive: bool, expected: set[str]) -> None:
    rules = replace(SAME, is_case_sensitive=is_case_sensitive, links=(link("team", "sales"),))
    assert led_to(known("Engineers", "Sales"), rules, "engineers", "team") == expected


def test_two_groups_that_differ_only_in_case_match_nothing_but_the_same_spelling() -> None:
    rules = replace(SAME, is_case_sensitive=False)
    assert led_to(known("ENG"), rules, "Eng", "eng") == set()
    assert led_to(known("eng"), rules, "Eng", "eng") == {"eng"}


def test_an_app_group_with_a_link_follows_only_that() -> None:
    rules = replace(SAME, links=(link("eng", "developers"),))
    assert led_to(known("eng"), rules, "eng") == set()
    assert led_to(known("developers"), rules, "eng", "developers") == {"eng"}


@pytest.mark.parametrize("mode", LinkMode)
def test_an_idp_group_that_a_link_names_goes_only_where_the_link_says(mode: LinkMode) -> None:
    rules = replace(SAME, links=(link("team", "eng", mode=mode),))
    assert led_to(known("eng"), rules, "eng", "team") == (set() if mode is LinkMode.OFF else {"team"})


def test_a_name_that_goes_elsewhere_stops_no_other() -> None:
    """Groups come in no order: of many, some come after one that a link names."""
    linked, free = [f"linked-{n}" for n in range(20)], [f"free-{n}" for n in range(20)]
    rules = replace(SAME, links=(link("team", *linked),))
    assert led_to(known(*linked, *free), rules, "team", *free) == {"team", *free}


def test_a_link_for_another_idp_takes_no_name_away() -> None:
    rules = replace(SAME, links=(replace(link("team", "eng"), idps=frozenset({GOOGLE})),))
    assert led_to(known("eng"), rules, "eng", "team") == {"eng"}


@pytest.mark.parametrize(("missing", "expected"), [(Missing.IGNORE, set()), (Missing.CREATE, {"new"})])
def test_a_name_that_the_app_lacks_is_wanted_only_where_groups_are_made(
    missing: Missing, expected: set[str]
) -> None:
    assert led_to(known("new"), replace(SAME, missing=missing)) == expected


def test_a_match_says_why() -> None:
    (match,) = match_groups(OKTA, known("eng"), SAME, names("eng"))
    assert (match.reason, match.cause) == (Reason.SAME_NAME, "okta group 'eng'")


# --- ownership ----------------------------------------------------------------------------------------------------

ROLES = RoleRules(
    order=(Role(name=RoleName("user"), group=AppGroupName("users")), Role(name=RoleName("root")))
)
RULES = GroupRules(
    links=(
        link("on", "a"),
        link("off", "b", mode=LinkMode.OFF),
        link("watched", "c", mode=LinkMode.OBSERVE),
        link("both", "d", mode=LinkMode.OBSERVE),
        link("both", "e"),
    ),
    default_group=AppGroupName("everyone"),
    roles=ROLES,
)


def test_owned_are_active_links_role_groups_and_the_default_group() -> None:
    assert owned_groups(RULES) == {"on", "both", "users", "everyone"}
    assert observed_groups(RULES) == {"watched"}
    assert linked_groups(RULES) == {"on", "off", "watched", "both"}


def test_nothing_is_owned_with_groups_off() -> None:
    assert owned_groups(replace(RULES, is_enabled=False), names("seen")) == frozenset()


def test_what_equal_names_led_to_before_is_owned_unless_a_link_says_otherwise() -> None:
    seen = names("seen", "off")
    assert owned_groups(replace(RULES, is_same_name=True), seen) == {
        "on",
        "both",
        "users",
        "everyone",
        "seen",
    }
    assert "seen" not in owned_groups(RULES, seen)


@pytest.mark.parametrize(
    ("group", "role"), [("user", "user"), ("users", "user"), ("root", None), ("x", None)]
)
def test_only_a_role_with_a_role_group_is_granted_by_name(group: str, role: str | None) -> None:
    found = named_role(OKTA, GroupName(group), RULES)
    assert (found.name if found else None) == role


# --- what the app is told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "allowed", "expected"),
    [
        (NOT_STATED, known(), None),
        (known(), known(), ()),
        (known("z", "a", "b", "c"), known(), ("a", "c")),
        (known("z", "a"), known("z"), ("a", "z")),
        (known("z", "y"), known("*"), ("y", "z")),
        (known("user", "users", "root"), known(), ("user", "users")),
    ],
)
def test_the_app_is_told_of_linked_and_allowed_groups_in_order(
    groups: Groups, allowed: frozenset[GroupName], expected: tuple[str, ...] | None
) -> None:
    assert header_groups(groups, RULES, allowed) == expected


def test_with_same_name_every_group_is_linked() -> None:
    assert header_groups(known("b", "a"), SAME, frozenset()) == ("a", "b")


def test_links_of_other_idps_tell_nothing() -> None:
    rules = GroupRules(links=(replace(link("team", "eng"), idps=frozenset({GOOGLE})),))
    assert header_groups(known("eng"), rules, frozenset(), idp=OKTA) == ()
    assert header_groups(known("eng"), rules, frozenset(), idp=GOOGLE) == ("eng",)
    assert header_groups(known("eng"), rules, frozenset()) == ("eng",)


def test_the_app_is_told_the_idps_own_spelling() -> None:
    rules = GroupRules(links=(link("team", "eng"),), is_case_sensitive=False)
    assert header_groups(known("ENG"), rules, frozenset()) == ("ENG",)


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        ((), (), {"app-dev", "app-ops", "hr"}),
        (("app-*",), (), {"app-dev", "app-ops"}),
        ((), ("app-*",), {"hr"}),
        (("app-*",), ("*-ops",), {"app-dev"}),
        (("app-dev", "h?"), (), {"app-dev", "hr"}),
        (("[ah]*",), ("hr",), {"app-dev", "app-ops"}),
        (("nothing",), (), set()),
        (("APP-*",), (), set()),
    ],
)
def test_patterns_leave_groups_out(
    include: tuple[str, ...], exclude: tuple[str, ...], left: set[str]
) -> None:
    rules = GroupRules(include=include, exclude=exclude)
    assert regarded(known("app-dev", "app-ops", "hr"), rules) == known(*left)


def test_patterns_compare_names_as_links_do() -> None:
    rules = GroupRules(include=("APP-*", "Cafe\u0301*"), is_case_sensitive=False)
    assert regarded(known("app-dev", "café-1", "hr"), rules) == known("app-dev", "café-1")


def test_silence_is_not_made_an_empty_list_by_patterns() -> None:
    assert regarded(NOT_STATED, GroupRules(include=("app-*",))) is NOT_STATED


def test_a_group_left_out_is_in_no_header_whatever_is_allowed() -> None:
    rules = GroupRules(exclude=("hr",), is_same_name=True)
    assert header_groups(known("app-dev", "hr"), rules, known("*", "hr")) == ("app-dev",)
