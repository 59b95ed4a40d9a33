"""The requests of a preset: what may stand in them."""

from typing import Any

import pytest
from pydantic import ValidationError

from proxy.apps.paging import OffsetPaging
from proxy.apps.requests import (
    AccountRequest,
    AccountWrite,
    CreateRequest,
    GroupWrite,
    LoginRule,
    MembershipWrite,
    ProfileWrite,
    Request,
    RoleWrite,
    Search,
    SearchRequest,
    Write,
    refuse_misplaced_pages,
)


@pytest.mark.parametrize(
    ("model", "path", "further"),
    [
        (AccountRequest, "/u/{account}", {}),
        (SearchRequest, "/u/{login}/{email}", {"items": "u"}),
        (
            CreateRequest,
            "/u/{login}/{email}/{name}/{first_name}/{last_name}/{random_password}",
            {"logins": ["{username}"]},
        ),
        (AccountWrite, "/u/{account}", {}),
        (ProfileWrite, "/u/{account}/{email}/{name}", {}),
        (RoleWrite, "/u/{account}/{role}/{role_value}", {}),
        (GroupWrite, "/g/{group_name}", {}),
        (MembershipWrite, "/g/{group}/{group_name}/{account}/{login}", {}),
        (AccountWrite, "/u/{variables.anything}", {}),
    ],
)
def test_each_request_knows_its_placeholders(
    model: type[Request], path: str, further: dict[str, Any]
) -> None:
    assert model.model_validate({"request": f"PUT {path}", **further}).request.path.source == path


@pytest.mark.parametrize(
    ("model", "name", "further"),
    [
        (AccountRequest, "login", {}),
        (SearchRequest, "account", {"items": "u"}),
        (AccountWrite, "email", {}),
        (ProfileWrite, "role", {}),
        (GroupWrite, "group", {}),
        (MembershipWrite, "email", {}),
        (RoleWrite, "random_password", {}),
        (AccountWrite, "credentials.token", {}),
    ],
)
@pytest.mark.parametrize("place", ["path", "query", "headers", "body"])
def test_a_placeholder_that_is_not_known_is_refused_wherever_it_stands(
    model: type[Request], name: str, further: dict[str, Any], place: str
) -> None:
    keys: dict[str, Any] = {"request": "PUT /u", **further}
    match place:
        case "path":
            keys["request"] = f"PUT /u/{{{name}}}"
        case "body":
            keys["body"] = {"a": [{"b": f"{{{name}}}"}]}
        case _:
            keys[place] = {"x": f"{{{name}}}"}
    with pytest.raises(ValidationError, match="not known here"):
        model.model_validate(keys)


def test_a_near_placeholder_is_suggested() -> None:
    with pytest.raises(ValidationError, match="did you mean “account”"):
        AccountWrite.model_validate({"request": "PUT /u/{acount}"})


@pytest.mark.parametrize("status", [200, 302, 401, 403, 429, 502])
def test_a_look_is_taken_only_after_a_no(status: int) -> None:
    with pytest.raises(ValidationError, match="look_on"):
        Write.model_validate({"request": "PUT /u", "look_on": [status]})


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_only_404_and_410_mean_gone(status: int) -> None:
    with pytest.raises(ValidationError, match="only 404 and 410"):
        AccountRequest.model_validate({"request": "GET /u/{account}", "gone": [status]})


def test_logins_are_made_of_what_is_known_of_a_newcomer() -> None:
    with pytest.raises(ValidationError, match="not known here"):
        CreateRequest.model_validate({"request": "POST /u", "logins": ["{login}"]})
    with pytest.raises(ValidationError, match="not known here"):
        CreateRequest.model_validate({"request": "POST /u", "logins": ["{variables.prefix}.{username}"]})
    with pytest.raises(ValidationError):
        CreateRequest.model_validate({"request": "POST /u", "logins": []})


def test_a_search_asks_something() -> None:
    with pytest.raises(ValidationError):
        Search.model_validate({"requests": []})


@pytest.mark.parametrize(
    ("login", "takes"),
    [("anna", True), ("a" * 5, True), ("a" * 6, False), ("an na", False), ("", False), ("anna\n", False)],
)
def test_a_login_rule_takes_whole_logins(login: str, takes: bool) -> None:
    assert LoginRule(pattern="[a-z]+", longest=5).takes(login) is takes


def test_a_login_pattern_must_compile() -> None:
    with pytest.raises(ValidationError, match="no regular expression"):
        LoginRule(pattern="[")


def test_a_role_is_what_the_preset_lists_or_itself() -> None:
    listed = RoleWrite.model_validate({"request": "PUT /u", "values": {"user": False, "admin": True}})
    assert (listed.value_of("user"), listed.value_of("admin"), listed.value_of("other")) == (
        False,
        True,
        None,
    )
    assert RoleWrite.model_validate({"request": "PUT /u"}).value_of("builder") == "builder"


def test_a_header_name_is_a_token() -> None:
    with pytest.raises(ValidationError):
        Write.model_validate({"request": "PUT /u", "headers": {"X Bad": "1"}})


@pytest.mark.parametrize(
    "keys",
    [
        {"request": "PUT /g/{each_member}"},
        {"request": "PUT /g", "query": {"users": "{each_member}"}},
        {"request": "PUT /g", "body": {"users": "{each_member}"}},
        {"request": "PUT /g", "body": {"users": ["{each_member}"], "first": "{each_member}"}},
    ],
)
def test_a_placeholder_for_many_stands_in_a_list_of_the_body(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="stands in a list of the body"):
        MembershipWrite.model_validate(keys)


def test_a_membership_says_which_whole_list_it_replaces() -> None:
    def replaces(body: Any) -> str | None:
        return MembershipWrite.model_validate({"request": "PUT /g", "body": body}).replaces

    assert replaces({"users": ["{each_member}"]}) == "each_member"
    assert replaces([{"id": "{each_group}"}]) == "each_group"
    assert replaces({"user": "{account}"}) is None


@pytest.mark.parametrize(
    ("name", "further"), [("body.offset", {}), ("q.offset", {}), ("q.offset", {"query": {"q": "text"}})]
)
def test_pages_inside_something_need_that_it_is_there(name: str, further: dict[str, Any]) -> None:
    keys = {"request": "GET /u", "items": "@", "paging": {"kind": "offset", "offset": name}, **further}
    with pytest.raises(ValueError, match="is no mapping"):
        refuse_misplaced_pages(SearchRequest.model_validate(keys), OffsetPaging(kind="offset", offset=name))
