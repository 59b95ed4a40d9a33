"""The configuration of a command, with its warnings told."""

from argparse import Namespace
from pathlib import Path

import pytest

from proxy.cli.configuration import configured
from proxy.errors import SettingsError


def test_the_settings_are_those_of_the_file(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert configured(Namespace(config=config)).public_url == "https://app.example.com"
    assert capsys.readouterr().err == ""


def test_warnings_go_to_standard_error_with_their_line(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with config.open("a") as file:
        file.write("open_paths: [/*]\n")
    configured(Namespace(config=config))
    assert capsys.readouterr() == (
        "",
        f"{config}: warning: line 8: open_paths[0]: the whole app is open without sign-in\n",
    )


def test_the_environment_counts(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER__LOG__LEVEL", "debug")
    assert configured(Namespace(config=config)).log.level == "debug"
    monkeypatch.setenv("MUSTER__LOG__LEVL", "debug")
    with pytest.raises(SettingsError, match="did you mean MUSTER__LOG__LEVEL"):
        configured(Namespace(config=config))
