"""Members and groups out of answers."""

from typing import Any

import pytest

from proxy.apps.expression import Unread, parse_expression
from proxy.apps.preset import MemberShape
from proxy.apps.reading import Sketch, read_group, read_id, read_item, read_items, read_member, read_sketch
from proxy.apps.requests import GroupListing
from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.model import AccountId, AppGroup, GroupId, Member

SHAPE = MemberShape.model_validate(
    {
        "id": "id",
        "login": "login",
        "email": "mail",
        "name": "name",
        "active": "status == `1`",
        "admin": "admin",
        "role": "role",
        "groups": "groups",
        "group_id": "id",
        "required": ["status"],
    }
)
ANNA: dict[str, Any] = {
    "id": 7, "login": "anna", "mail": " a@example.com ", "name": "Anna", "status": 1, "admin": False, "role": "user",
    "groups": [{"id": 1}, {"id": "x"}],
}  # fmt: skip


def test_a_member_is_read_whole() -> None:
    assert read_member(SHAPE, ANNA) == Member(
        id=AccountId("7"),
        login="anna",
        email="a@example.com",
        name="Anna",
        is_active=True,
        role=RoleName("user"),
        groups=frozenset({GroupId("1"), GroupId("x")}),
    )


def test_what_is_not_there_is_none_and_never_empty() -> None:
    member = read_member(SHAPE, {"id": "7", "login": "anna", "status": 3, "admin": True})
    assert (member.email, member.name, member.role, member.groups) == (None, None, None, None)
    assert member.is_admin
    assert not member.is_active


def test_a_shape_without_groups_shows_none() -> None:
    shape = MemberShape.model_validate({"id": "id", "login": "login", "active": "active"})
    member = read_member(shape, {"id": 1, "login": "x", "active": True, "groups": []})
    assert member.groups is None
    assert not member.is_admin


@pytest.mark.parametrize(
    "change",
    [
        {"id": None}, {"id": ""}, {"id": 1.5}, {"id": True}, {"id": []}, {"login": None}, {"login": ""}, {"admin": None},
        {"admin": "yes"}, {"admin": 1}, {"mail": ["x"]}, {"name": {}}, {"groups": {}}, {"groups": "x"}, {"groups": [{}]},
        {"groups": [None]}, {"groups": [{"id": False}]},
    ],
)  # fmt: skip
def test_half_an_account_is_not_believed(change: dict[str, Any]) -> None:
    with pytest.raises(Unread):
        read_member(SHAPE, ANNA | change)


@pytest.mark.parametrize(
    "item", [None, [], "x", 1, {key: value for key, value in ANNA.items() if key != "status"}]
)
def test_what_is_no_account_is_not_believed(item: Any) -> None:
    with pytest.raises(Unread):
        read_member(SHAPE, item)


def test_a_sketch_needs_no_more_than_finds_it() -> None:
    assert read_sketch(SHAPE, {"id": 7, "login": "anna"}) == Sketch(
        id=AccountId("7"), login="anna", email=None
    )


def test_a_group() -> None:
    listing = GroupListing.model_validate({"request": "GET /g", "items": "@", "id": "id", "name": "name"})
    assert read_group(listing, {"id": 3, "name": "Team"}) == AppGroup(
        id=GroupId("3"), name=AppGroupName("Team")
    )
    with pytest.raises(Unread):
        read_group(listing, {"id": 3, "name": None})


def test_a_list_is_a_list() -> None:
    assert read_items(parse_expression("rows"), {"rows": [1]}) == [1]
    documents: list[Any] = [{"rows": None}, {}, {"rows": {}}, None, "rows"]
    for document in documents:
        with pytest.raises(Unread):
            read_items(parse_expression("rows"), document)


def test_an_item_is_the_document_unless_said_otherwise() -> None:
    assert read_item(None, {"a": 1}) == {"a": 1}
    assert read_item(parse_expression("a"), {"a": 1}) == 1
    assert read_id(parse_expression("a"), {"a": 0}) == "0"
