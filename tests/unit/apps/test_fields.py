"""The field types of a preset."""

from datetime import date
from typing import Any

import pytest

from proxy.apps.fields import compiled, parse_parameter, parse_target, parse_tree, templates_in
from proxy.apps.template import Template, parse_template


def test_a_target_is_a_method_and_a_path() -> None:
    target = parse_target("PATCH /api/users/{account}")
    assert (target.method, target.path.source) == ("PATCH", "/api/users/{account}")


@pytest.mark.parametrize(
    "source",
    [
        "", "GET", "/users", "get /users", "HEAD /users", "GET users", "GET //evil.example/users", "GET http://x/users",
        "GET /users?x=1", "GET /users#x", "GET /a b", "GET /a/../b", "GET /./a", "GET  /users", 7, None, "GET /{account",
    ],
)  # fmt: skip
def test_what_is_no_target_is_refused(source: Any) -> None:
    with pytest.raises(ValueError, match=r"method|path|text|brace"):
        parse_target(source)


def test_a_body_keeps_its_shape_and_types() -> None:
    tree = parse_tree({"user": {"id": 1, "on": True, "rate": 0.5, "none": None, "tags": ["{login}", "x"]}})
    assert isinstance(tree, dict)
    user = tree["user"]
    assert isinstance(user, dict)
    assert {key: user[key] for key in ("id", "on", "rate", "none")} == {
        "id": 1,
        "on": True,
        "rate": 0.5,
        "none": None,
    }
    assert user["tags"] == (parse_template("{login}"), parse_template("x"))


def test_a_mistake_in_a_body_names_its_key() -> None:
    with pytest.raises(ValueError, match=r"user\.names\[1\]: a brace"):
        parse_tree({"user": {"names": ["ok", "{broken"]}})


def test_a_date_is_no_json() -> None:
    with pytest.raises(ValueError, match=r"user\.since: JSON has no date"):
        parse_tree({"user": {"since": date(2026, 1, 1)}})


def test_a_key_of_a_body_is_a_text() -> None:
    with pytest.raises(ValueError, match="a text is expected"):
        parse_tree({1: "x"})


def test_every_template_of_a_body_is_found() -> None:
    tree = parse_tree({"a": ["{x}", {"b": "{y}"}], "c": 1})
    assert {name for template in templates_in(tree) for name in template.names} == {"x", "y"}


def test_a_query_holds_texts_and_scalars() -> None:
    assert parse_parameter(3) == 3
    assert parse_parameter(True) is True
    assert isinstance(parse_parameter("{login}"), Template)
    assert parse_parameter({"a": ["x", 1]}) == {"a": (parse_parameter("x"), 1)}
    with pytest.raises(ValueError, match="a text is expected"):
        parse_parameter(None)


def test_a_broken_pattern_is_told() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        compiled("(")
