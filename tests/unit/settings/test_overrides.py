"""Single settings from the environment."""

from pathlib import Path
from typing import Any

import pytest

from proxy.settings.overrides import environment, is_debugging, override, variable_of
from tests.fakes.configurations import mistakes_of, settings_of


def changed(tree: Any, **variables: str) -> Any:
    overridden = override(tree, variables)
    assert not overridden.problems
    return overridden.tree


def test_two_underscores_divide_the_steps(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"MUSTER__LIMITS__DRAIN_TIMEOUT": "5s", "MUSTER__LISTEN": "127.0.0.1:9"})
    assert settings.limits.drain_timeout == 5.0
    assert str(settings.listen[0]) == "127.0.0.1:9"


@pytest.mark.parametrize(
    ("variable", "text", "tree"),
    [
        ("MUSTER__GROUPS__ENABLED", "false", {"groups": {"enabled": False}}),
        ("MUSTER__UPSTREAM__CONNECTIONS", "12", {"upstream": {"connections": 12}}),
        ("MUSTER__OPS_LISTEN", "null", {"ops_listen": None}),
        ("MUSTER__GROUPS__DEFAULT_GROUP", "", {"groups": {"default_group": None}}),
        ("MUSTER__IDPS__0__CLIENT_ID", "123", {"idps": [{"client_id": "123"}]}),
        ("MUSTER__IDPS__0__NAME", "true", {"idps": [{"name": "true"}]}),
        ("MUSTER__APP__CREDENTIALS__TOKEN__FILE", "a", {"app": {"credentials": {"token": {"file": "a"}}}}),
        ("MUSTER__APP__VARIABLES__LANGUAGE", "de", {"app": {"variables": {"language": "de"}}}),
        ("MUSTER__JOINING__DOMAINS__0", "example.com", {"joining": {"domains": ["example.com"]}}),
        ("MUSTER__GROUPS__LINKS__0__IDP", "a, b", {"groups": {"links": [{"idp": "a, b"}]}}),
    ],
)
def test_a_value_is_what_its_place_takes(variable: str, text: str, tree: Any) -> None:
    assert changed({}, **{variable: text}) == tree


def test_an_item_of_a_list_is_named_by_its_number() -> None:
    tree = {"idps": [{"id": "a"}, {"id": "b"}]}
    assert changed(tree, MUSTER__IDPS__1__ID="c") == {"idps": [{"id": "a"}, {"id": "c"}]}
    assert tree["idps"][1] == {"id": "b"}, "the file's own tree stays"


def test_the_variable_wins_over_the_file(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"MUSTER__PUBLIC_URL": "https://other.example.com"})
    assert settings.public_url == "https://other.example.com"


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("MUSTER__LIMITS__DRAN_TIMEOUT", "did you mean MUSTER__LIMITS__DRAIN_TIMEOUT?"),
        ("MUSTER__LIMIT__DRAIN_TIMEOUT", "did you mean MUSTER__LIMITS__DRAIN_TIMEOUT?"),
        ("MUSTER__ZZZZZ", "there is no such setting"),
        ("MUSTER__", "there is no such setting"),
        ("MUSTER__LISTEN__X", "there is no such setting"),
        ("MUSTER__LIMITS", "not a single value"),
        ("MUSTER__IDPS", "not a single value"),
        ("MUSTER__IDPS__0", "not a single value"),
        ("MUSTER__IDPS__7__ID", "no item of this number"),
    ],
)
def test_a_variable_that_sets_nothing_is_a_mistake(variable: str, said: str, tmp_path: Path) -> None:
    assert said in mistakes_of(tmp_path, {variable: "x"})[variable]


def test_a_value_that_does_not_fit_is_named_by_its_variable(tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, {"MUSTER__LIMITS__HEADER_COUNT": "two", "MUSTER__GROUPS__ENABLED": "yes"})
    assert found == {
        "MUSTER__LIMITS__HEADER_COUNT": "write a whole number",
        "MUSTER__GROUPS__ENABLED": "write true or false",
    }


def test_something_else_in_the_way_is_left_for_validation_to_name(tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, {"MUSTER__LIMITS__HEADER_COUNT": "9"}, limits=[1])
    assert set(found) == {"MUSTER__LIMITS__HEADER_COUNT", "limits"}


def test_other_variables_are_not_ours() -> None:
    assert changed({}, PATH="/bin", MUSTER_DEBUG="1", MUSTERED__X="1") == {}


def test_a_setting_knows_its_variable() -> None:
    assert variable_of(("idps", 0, "client_id")) == "MUSTER__IDPS__0__CLIENT_ID"


def test_debugging_is_asked_for_with_1() -> None:
    assert is_debugging({"MUSTER_DEBUG": "1"})
    assert not is_debugging({"MUSTER_DEBUG": "0"})
    assert not is_debugging({})


def test_the_environment_is_a_copy() -> None:
    assert environment() == environment()
    assert environment() is not environment()
