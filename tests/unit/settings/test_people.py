"""Sections about people: names are normalised, and lists may be pasted as one string."""

from pathlib import Path

import pytest

from proxy.settings.people import check_denied, check_domain, split_names
from tests.fakes.configurations import mistakes_of, settings_of


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("example.com", "example.com"),
        ("Example.COM", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*", "*"),
    ],
)
def test_a_domain_is_lower_case_a_labels(written: str, domain: str) -> None:
    assert check_domain(written) == domain


@pytest.mark.parametrize("wrong", ["", "@example.com", "*.example.com", "a b", "example..com", ".", "-a.com"])
def test_what_is_no_domain_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a domain"):
        check_domain(wrong)


@pytest.mark.parametrize(
    ("written", "denied"),
    [("Eve@Example.com", "eve@example.com"), ("https://idp.example.com AbC", "https://idp.example.com AbC")],
)
def test_a_deny_list_holds_addresses_and_subjects(written: str, denied: str) -> None:
    assert check_denied(written) == denied


@pytest.mark.parametrize(
    "wrong", ["eve", "@example.com", "eve@", "a@b@c", "idp sub", "https://idp.example.com ", "https://a b c"]
)
def test_what_names_nobody_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="write an e-mail address"):
        check_denied(wrong)


def test_names_pasted_with_commas_are_a_list() -> None:
    assert split_names("engineers, platform ,,ops") == ("engineers", "platform", "ops")
    assert split_names(["a, b"]) == ("a, b",)


def test_a_link_takes_both_ways_of_writing_its_groups(tmp_path: Path) -> None:
    links = [{"app": "A", "idp": "x, y"}, {"app": "B", "idp": ["x", "y"]}]
    first, second = settings_of(tmp_path, groups={"links": links}).groups.links
    assert first.idp == second.idp == ("x", "y")


def test_a_link_without_groups_is_refused(tmp_path: Path) -> None:
    nothings: tuple[object, ...] = ([], "", " , ")
    for nothing in nothings:
        found = mistakes_of(tmp_path, groups={"links": [{"app": "A", "idp": nothing}]})
        assert found == {"groups.links[0].idp": "name at least one"}


def test_group_names_are_compared_in_one_unicode_form(tmp_path: Path) -> None:
    link = settings_of(tmp_path, groups={"links": [{"app": "Cafe\u0301", "idp": "Cafe\u0301"}]}).groups.links[
        0
    ]
    assert link.app == "Caf\u00e9"
    assert link.idp == ("Caf\u00e9",)


def test_roles_stand_in_order(tmp_path: Path) -> None:
    order = [{"name": "end-user", "group": "end-users"}, {"name": "admin", "idp": "admins", "app": ["all"]}]
    roles = settings_of(tmp_path, roles={"order": order, "default": "end-user"}).roles
    assert [role.name for role in roles.order] == ["end-user", "admin"]
    assert (roles.order[1].idp, roles.order[1].app) == (("admins",), ("all",))


def test_the_guards_share_is_a_per_cent(tmp_path: Path) -> None:
    assert settings_of(tmp_path).guard.members.percent == 10
    found = mistakes_of(tmp_path, guard={"members": {"at_least": -1, "percent": 101}})
    assert found == {
        "guard.members.at_least": "write 0 or more",
        "guard.members.percent": "write 100 or less",
    }


def test_half_a_threshold_is_refused(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, guard={"link": {"percent": 50}}) == {
        "guard.link.at_least": "this is required"
    }
