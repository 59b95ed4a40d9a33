"""Credentials and variables that an operator gives a preset."""

from pathlib import Path

from proxy.apps.preset import Preset
from proxy.apps.preset_file import load_preset, parse_preset
from proxy.apps.preset_use import check_use, variables_for
from tests.fakes.rest_app import PRESET

CORP = parse_preset(PRESET)


def mistakes(preset: Preset, credentials: list[str], variables: list[str]) -> list[str]:
    return [str(problem) for problem in check_use(preset, credentials, variables)]


def test_what_is_asked_for_and_given_is_fine() -> None:
    assert mistakes(CORP, ["username", "password"], ["client"]) == []
    assert mistakes(load_preset("redmine", Path()), ["token"], []) == []


def test_every_mistake_is_told_in_one_go() -> None:
    assert mistakes(CORP, ["username", "pasword"], ["cliant", "zzz"]) == [
        "app.credentials.password: the preset for Corp needs it",
        "app.credentials.pasword: the preset does not ask for it (did you mean “password”?); it asks for password, username",
        "app.variables.cliant: the preset does not ask for it (did you mean “client”?); it asks for client, rank",
        "app.variables.zzz: the preset does not ask for it; it asks for client, rank",
    ]


def test_a_preset_without_variables_says_so() -> None:
    assert mistakes(load_preset("redmine", Path()), ["token"], ["x"]) == [
        "app.variables.x: the preset does not ask for it; it asks for none"
    ]


def test_the_operators_value_wins() -> None:
    assert variables_for(CORP, {"rank": "guest"}) == {"client": "muster", "rank": "guest"}
