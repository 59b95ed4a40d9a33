"""What is known when an operation is rendered."""

import pytest

from proxy.apps.naming import candidates, person_values, values_of
from proxy.apps.requests import CreateRequest, RoleWrite
from proxy.groups.rules import AppGroupName, RoleName
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


def logins(patterns: list[str], profile: Profile, **rule: object) -> list[str]:
    request = CreateRequest.model_validate({"request": "POST /u", "logins": patterns, "login": rule})
    return [each.login for each in candidates(request, profile, {"variables.tail": "x"})]


def test_logins_are_tried_in_order_and_once() -> None:
    anna = Profile(login="anna", email="anna@example.com", name=None)
    patterns = ["{username}", "{email_local}", "{username}.{variables.tail}", "{email}"]
    assert logins(patterns, anna) == ["anna", "anna.x", "anna@example.com"]


def test_a_login_that_the_app_cannot_have_is_not_tried() -> None:
    anna = Profile(login="anna ash", email="anna@example.com", name=None)
    assert logins(["{username}", "{email_local}", "{email}"], anna, longest=10) == ["anna"]


def test_a_login_made_of_what_is_not_known_is_not_tried() -> None:
    assert logins(
        ["{email}", "{email_local}.x", "{username}"], Profile(login="anna", email=None, name=None)
    ) == ["anna"]
    assert logins(["{email}"], Profile(login="", email=None, name=None)) == []
