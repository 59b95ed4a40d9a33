"""The preset that a configuration names, checked against what the configuration gives it."""

from pathlib import Path

import pytest

from proxy.cli.preset import chosen_preset
from proxy.errors import SettingsError
from proxy.settings.load import load


def test_without_app_there_is_none(config: Path) -> None:
    lines = [line for line in config.read_text().splitlines() if not line.startswith("app:")]
    config.write_text("\n".join([*lines, "headers: {user_claim: email}"]))
    assert chosen_preset(load(config, {}), config) is None


def test_a_good_one_is_loaded(config: Path) -> None:
    preset = chosen_preset(load(config, {}), config)
    assert preset is not None
    assert preset.app == "Muster demo app"


def test_a_credential_it_does_not_ask_for_has_the_line_of_the_configuration(config: Path) -> None:
    config.write_text(config.read_text().replace("{token: {file: app.token}}", "{tokn: {file: app.token}}"))
    with pytest.raises(SettingsError) as caught:
        chosen_preset(load(config, {}), config)
    assert {(problem.path, problem.line) for problem in caught.value.problems} == {
        ("app.credentials.token", 7),
        ("app.credentials.tokn", 7),
    }
    assert caught.value.source == str(config)


def test_a_name_that_is_no_preset_is_a_mistake(config: Path) -> None:
    config.write_text(config.read_text().replace("preset: demo", "preset: redmin"))
    with pytest.raises(SettingsError, match="redmine"):
        chosen_preset(load(config, {}), config)


def test_an_own_preset_lies_beside_the_configuration_wherever_one_stands(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    (config.parent / "mine.yaml").write_text("app: 3\n")
    config.write_text(config.read_text().replace("preset: demo", "preset: ./mine.yaml"))
    with pytest.raises(SettingsError) as caught:
        chosen_preset(load(config, {}), config)
    assert caught.value.source == str(config.parent / "mine.yaml")
