"""`muster check`"""

import json
import re
from importlib import resources
from pathlib import Path

import pytest

from proxy.cli.main import main
from tests.fakes.certificates import Authority


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


def test_json_has_the_capabilities_and_no_mistake(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(config), "--app", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["mistakes"] == []
    assert (document["app"]["app"], document["app"]["status"]) == ("Muster demo app", "verified")
    assert {"what", "is_possible", "means"} == set(document["app"]["can"][0])


def test_json_names_every_mistake(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text().replace("client_id", "client_di"))
    assert main(["check", "-c", str(config), "--json"]) == 2
    mistakes = json.loads(capsys.readouterr().out)["mistakes"]
    assert [(one["path"], one["line"]) for one in mistakes] == [
        ("idps[0].client_di", 4),
        ("idps[0].client_id", 4),
    ]


def unread(config: Path, rest: str = "") -> Path:
    """A preset that cannot read whose the token is."""
    config.write_text(
        config.read_text()
        .replace("preset: demo", "preset: ./own.yaml")
        .replace("{token: {file: app.token}}", "{token: {file: app.token}}" + rest)
    )
    demo = resources.files("config") / "apps" / "demo.yaml"
    text = re.sub(r"^whoami:.*\n(?:  .*\n)*", "", demo.read_text("utf-8"), flags=re.MULTILINE)
    (config.parent / "own.yaml").write_text(text)
    return config


def test_where_the_tokens_account_cannot_be_read_it_must_be_listed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "-c", str(unread(config))]) == 2
    err = capsys.readouterr().err
    assert "line 7: app.protected: the preset for Muster demo app cannot read whose account" in err
    assert "protected: [LOGIN]" in err


def test_once_it_is_listed_there_is_no_mistake(config: Path) -> None:
    assert main(["check", "-c", str(unread(config, ", protected: [admin]"))]) == 0


def test_a_certificate_for_another_host_is_a_warning(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = Authority(config.parent).issue("tls", hosts=("other.example.com",), days=90)
    pair.key.chmod(0o600)
    config.write_text(f"{config.read_text()}\ntls: {{certificate: tls.pem, key: tls.key}}\n")
    assert main(["check", "-c", str(config)]) == 0
    err = capsys.readouterr().err
    assert "warning: tls.certificate: it is not for" in err
    assert "other.example.com" in err
