"""What is known when an operation is rendered."""

import pytest

from proxy.apps.naming import person_values, suited, values_of
from proxy.apps.requests import CreateRequest, RoleWrite
from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.app_admin import NameLimits
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Create,
    CreateGroup,
    GroupId,
    Join,
    Leave,
    Profile,
    Restore,
    SetProfile,
    SetRole,
)

ONE = AccountId("1")
GROUP = AppGroup(id=GroupId("g"), name=AppGroupName("Team"))
ROLE = RoleWrite.model_validate({"request": "PUT /u", "values": {"admin": True}})


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Anna Ash", "Anna", "Ash"),
        ("Anna van der Ash", "Anna", "van der Ash"),
        ("Cher", "Cher", None),
        ("  Anna   Ash ", "Anna", "Ash"),
        ("   ", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_name_in_parts(name: str | None, first: str | None, last: str | None) -> None:
    values = person_values("a@example.com", name)
    assert (values["first_name"], values["last_name"]) == (first, last)
    assert values["name"] == (" ".join(name.split()) or None if name else None)


def test_the_values_of_each_operation() -> None:
    person = {"email": None, "name": "Anna", "first_name": "Anna", "last_name": None}
    member = {"account": "1", "login": "anna", "group": "g", "group_name": "Team"}
    assert values_of(Create(profile=Profile(login="anna", email="", name="Anna"))) == {
        "login": "anna",
        **person,
    }
    assert values_of(SetProfile(account=ONE, email=None, name="Anna")) == {"account": "1", **person}
    assert values_of(Archive(account=ONE)) == values_of(Restore(account=ONE)) == {"account": "1"}
    assert values_of(Join(account=ONE, group=GROUP, login="anna")) == member
    assert values_of(Leave(account=ONE, group=GROUP)) == member | {"login": None}
    assert values_of(CreateGroup(name=AppGroupName("Team"))) == {"group_name": "Team"}
    assert values_of(SetRole(account=ONE, role=RoleName("admin")), ROLE) == {
        "account": "1",
        "role": "admin",
        "role_value": True,
    }


def login(patterns: list[str], profile: Profile, **rule: object) -> str | None:
    request = CreateRequest.model_validate({"request": "POST /u", "logins": patterns, "login": rule})
    made = suited(request, profile)
    return made.login if made else None


def test_the_login_asked_for_is_the_one_that_is_made() -> None:
    assert login(["{email}"], Profile(login="anna", email="anna@example.com", name=None)) == "anna"


def test_a_login_that_the_app_cannot_have_gives_way_to_the_first_pattern_that_suits() -> None:
    anna = Profile(login="anna ash", email="anna@example.com", name=None)
    assert login(["{username}", "x {email_local}", "{email_local}", "{email}"], anna) == "anna"
    assert login(["{username}", "{email}", "{email_local}"], anna, longest=10) == "anna"
    assert login(["{username}", "{email}"], anna, longest=10) is None


def test_in_place_of_an_ascii_login_none_is_made_that_a_header_may_not_carry() -> None:
    joerg = Profile(login="joerg x", email="j\u00f6rg@example.com", name=None)
    assert login(["{email_local}", "{username}"], joerg) is None
    read_as_utf_8 = Profile(login="j\u00f6rg x", email="j\u00f6rg@example.com", name=None)
    assert login(["{email_local}", "{username}"], read_as_utf_8) == "j\u00f6rg"


def test_a_login_made_of_what_is_not_known_is_none() -> None:
    assert login(["{email}", "{email_local}.x"], Profile(login="anna ash", email=None, name=None)) is None
    assert login(["{email}"], Profile(login="", email=None, name=None)) is None


def test_all_else_of_the_profile_stays() -> None:
    request = CreateRequest.model_validate({"request": "POST /u", "logins": ["{email}"]})
    anna = Profile(login="a b", email="anna@example.com", name="Anna Ash")
    assert suited(request, anna) == Profile(
        login="anna@example.com", email="anna@example.com", name="Anna Ash"
    )


def test_names_are_cut_to_what_the_app_keeps_and_a_cut_name_is_what_it_shows() -> None:
    limits = NameLimits(first_name=4, last_name=6)
    cut = person_values(None, "Bartholomew van der Berg", limits)
    assert (cut["first_name"], cut["last_name"]) == ("Bart", "van de")
    assert cut["name"] == limits.kept("Bartholomew van der Berg") == "Bart van de"
    assert limits.kept("Bart van de") == "Bart van de"
    assert limits.kept("Cher") == "Cher"
    assert NameLimits(name=3).kept("Ann Ash") == "Ann"
    assert NameLimits().kept("  Ann   Ash ") == "Ann Ash"
