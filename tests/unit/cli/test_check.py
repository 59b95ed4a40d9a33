"""`muster check`"""

from pathlib import Path

import pytest

from proxy.cli.main import main


def test_a_good_configuration_is_said_to_be_one(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(config)]) == 0
    assert capsys.readouterr() == (f"{config}: no mistake found\n", "")


def test_every_mistake_at_once_and_exit_2(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(
        config.read_text().replace("https://app", "http://app").replace("client_id", "client_di")
    )
    assert main(["check", "-c", str(config)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.removeprefix(f"{config}: ").split(": ")[:2] for line in err.splitlines()] == [
        ["line 1", "public_url"],
        ["line 4", "idps[0].client_di"],
        ["line 4", "idps[0].client_id"],
    ]


def test_the_capability_table_says_what_the_app_can(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(config), "--app"]) == 0
    out = capsys.readouterr().out
    assert "Muster demo app" in out
    assert "archive accounts" in out
    assert "Verified against Muster demo app 1." in out


def test_a_preset_that_was_never_run_is_said_to_be_unverified(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text().replace("preset: demo", "preset: gitlab"))
    assert main(["check", "-c", str(config), "--app"]) == 0
    assert "UNVERIFIED: written from the documentation of GitLab 18" in capsys.readouterr().out


def test_without_app_it_says_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in config.read_text().splitlines() if not line.startswith(("app:", "groups:"))]
    config.write_text("\n".join([*lines, "headers: {user_claim: email}"]))
    assert main(["check", "-c", str(config), "--app"]) == 0
    assert "only headers are sent" in capsys.readouterr().out


def test_looking_makes_no_file(config: Path) -> None:
    before = set(config.parent.iterdir())
    main(["check", "-c", str(config), "--app"])
    assert set(config.parent.iterdir()) == before
