"""`muster explain --session` says what the assertion would say, and signs nothing."""

import json
from pathlib import Path

import pytest

from proxy.cli.asserted import NONE
from proxy.cli.main import main
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import add_member, add_session, in_store


def explain(config: Path, *words: str) -> int:
    return main(["explain", "--session", "ada", *words, "-c", str(config)])


def enable(config: Path) -> None:
    config.write_text(config.read_text() + "assertion: {enabled: true, audience: wiki}\n")


async def member(store: SqliteStore) -> None:
    await add_member(store, "ada", "7", "engineers")


async def signed_in(store: SqliteStore) -> None:
    await member(store)
    await add_session(store, "ada", "7", "platform", "secret-project")


def test_each_claim_has_its_line_and_no_token_is_shown(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enable(config)
    in_store(config, signed_in)
    assert explain(config) == 0
    out = capsys.readouterr().out
    lines = [
        line.removeprefix("assertion").strip() for line in out.splitlines() if line.startswith("assertion")
    ]
    assert lines == [
        "iss: https://app.example.com",
        "aud: wiki",
        "sub: corp:id-ada",
        "idp: corp",
        "app_user: ada",
        "email: ada@example.com",
        "name: Ada",
        "preferred_username: ada",
        'groups: ["platform"]',
    ]
    assert "eyJ" not in out


def test_as_json_it_is_an_object(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enable(config)
    in_store(config, signed_in)
    explain(config, "--json")
    said = json.loads(capsys.readouterr().out)["assertion"]
    assert (said["sub"], said["groups"]) == ("corp:id-ada", ["platform"])


def test_of_somebody_who_is_not_signed_in_nothing_is_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enable(config)
    in_store(config, member)
    explain(config)
    assert NONE in capsys.readouterr().out
    explain(config, "--json")
    assert json.loads(capsys.readouterr().out)["assertion"] is None


def test_where_none_is_sent_there_is_no_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, signed_in)
    explain(config)
    assert "assertion" not in capsys.readouterr().out
