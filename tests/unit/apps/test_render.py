"""What would be sent for a request of a preset."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.apps.render import Call, at_page, render
from proxy.apps.requests import MembershipWrite, ProfileWrite, Write
from proxy.apps.template import Json, Unrendered


def put(**keys: Any) -> ProfileWrite:
    return ProfileWrite.model_validate({"request": "PUT /u/{account}", **keys})


def test_a_whole_request() -> None:
    request = put(
        query={"lang": "{variables.lang}", "all": True, "n": 5, "mail": "{email}", "empty": ""},
        headers={"X-Who": "admin of {account}"},
        body={
            "user": {
                "mail": "{email}",
                "name": "{name}",
                "on": True,
                "id": "{account:int}",
                "none": None,
                "list": ["{name}", "{email}"],
            }
        },
    )
    values = {"account": "7", "name": "Anna", "email": None, "variables.lang": "en"}
    assert render(request, values) == Call(
        method="PUT",
        path="/u/7",
        query={"lang": "en", "all": "true", "n": "5", "empty": ""},
        headers={"X-Who": "admin of 7"},
        body={"user": {"name": "Anna", "on": True, "id": 7, "none": None, "list": ["Anna"]}},
        has_body=True,
    )


def test_a_request_without_a_body_has_none() -> None:
    call = render(Write.model_validate({"request": "DELETE /u"}), {})
    assert (call.has_body, call.body) == (False, None)


@pytest.mark.parametrize("account", [None, "", ".", "..", ["a"], {"a": 1}])
def test_a_path_is_never_written_with_a_gap_or_dots(account: Any) -> None:
    with pytest.raises(Unrendered):
        render(put(), {"account": account})


TEXTS = st.text(st.characters(), min_size=1) | st.sampled_from([".", "..", "a/../b", "%2e", "\ud800"])


@given(TEXTS, TEXTS)
def test_no_value_leaves_its_segment_of_the_path(group: str, login: str) -> None:
    request = MembershipWrite.model_validate({"request": "PUT /g/{group}/u/{login}"})
    try:
        path = render(request, {"group": group, "login": login}).path
    except Unrendered:
        assert {group, login} & {".", ".."} or any("\ud800" <= sign <= "\udfff" for sign in group + login)
        return
    head, first, between, second = path[1:].split("/")
    assert (head, unquote(first), between, unquote(second)) == ("g", group, "u", login)
    assert not set("?#\\ \r\n") & set(path)
    assert {first, second} & {".", ".."} == set()


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(alphabet="abc é\n"),
        lambda each: st.lists(each) | st.dictionaries(st.text("ab"), each),
    )
)
def test_a_body_without_placeholders_is_sent_as_it_stands(body: Any) -> None:
    assert render(Write.model_validate({"request": "PUT /u", "body": body}), {}).body == body


@pytest.mark.parametrize("sign", ["\r", "\n", "\0", "\x7f", "\r\nX-Admin: 1"])
def test_a_header_never_begins_another(sign: str) -> None:
    with pytest.raises(Unrendered, match="control"):
        render(put(headers={"X-Who": "{name}"}), {"account": "1", "name": f"a{sign}b"})


def test_headers_and_bodies_are_not_shown() -> None:
    call = render(
        put(headers={"X-Who": "{name}"}, body={"name": "{name}"}), {"account": "1", "name": "s3cret"}
    )
    assert "s3cret" not in repr(call)


def test_a_parameter_that_is_a_mapping_is_sent_as_json_and_cannot_be_broken_out_of() -> None:
    request = put(query={"q": {"filters": [{"col": "mail", "value": "{email}"}], "n": 1}})
    call = render(request, {"account": 1, "email": 'a"]}&x=1'})
    assert json.loads(call.query["q"]) == {"filters": [{"col": "mail", "value": 'a"]}&x=1'}], "n": 1}


def test_a_list_holds_its_item_once_for_each_value() -> None:
    request = MembershipWrite.model_validate(
        {"request": "PUT /g/{group}", "body": {"users": [{"id": "{each_member:int}", "in": "{group}"}]}}
    )
    values: dict[str, Json] = {"group": "g", "each_member": ["1", "2"]}
    assert render(request, values).body == {"users": [{"id": 1, "in": "g"}, {"id": 2, "in": "g"}]}
    assert render(request, {"group": "g", "each_member": []}).body == {"users": []}
    with pytest.raises(Unrendered):
        render(request, {"group": "g"})


def test_where_a_list_goes_on_stands_among_the_parameters_inside_one_or_in_the_body() -> None:
    call = Call(method="POST", path="/l", query={"q": '{"a": 1}'}, body={"id": "x"}, has_body=True)
    assert at_page(call, {"page": "2"}).query == {"q": '{"a": 1}', "page": "2"}
    assert json.loads(at_page(call, {"q.page": "2", "q.size": "50"}).query["q"]) == {
        "a": 1,
        "page": 2,
        "size": 50,
    }
    assert at_page(call, {"body.cursor": "abc", "body.limit": "5"}).body == {
        "id": "x",
        "cursor": "abc",
        "limit": 5,
    }
    with pytest.raises(Unrendered):
        at_page(Call(method="GET", path="/l"), {"body.offset": "1"})
