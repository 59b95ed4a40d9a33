"""`muster members list` and `show`."""

import json
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.cli.members_shown import state_word
from proxy.cli.who import Person
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import THEN, add_member, add_session, in_store, removed, vouched


async def people(store: SqliteStore) -> None:
    await add_member(store, "ada", "7", "engineers", "ops")
    await add_session(store, "ada", "7")
    await add_member(store, "bob", "8")
    await store.outbox.note(removed("bob"), THEN + 1)
    await store.outbox.note(vouched("newcomer"), THEN)


def members(config: Path, *words: str) -> int:
    return main(["members", *words, "-c", str(config)])


def test_everybody_is_listed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, people)
    assert members(config, "list") == 0
    rows = [row.split("  ")[0] for row in capsys.readouterr().out.splitlines()]
    assert rows == ["who", "ada@example.com", "bob", "newcomer@example.com"]
    assert members(config, "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)["members"]
    assert [(one["account"], one["state"], one["sessions"]) for one in listed] == [
        ("7", "done", 1),
        ("8", "open", 0),
        (None, "open", 0),
    ]


def test_nobody_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def nothing(store: SqliteStore) -> None:
        await store.sessions.ping()

    in_store(config, nothing)
    members(config, "list")
    assert capsys.readouterr().out == "nobody is known yet\n"


def test_one_person_is_shown_with_what_was_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, people)
    assert members(config, "show", "ada") == 0
    out = capsys.readouterr().out
    assert "account   7: member" in out
    assert "vouches (https://idp.example.com id-ada)" in out
    assert "groups    engineers, ops" in out
    assert "a-secret-refresh-token" not in out
    assert members(config, "show", "bob", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["statements"][0]["says"] == "removed (idp_denied)"
    assert shown["denied"] is False


def test_who_is_denied_is_shown_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, people)
    config.write_text(config.read_text().replace("{domains:", "{deny: [ada@example.com], domains:"))
    members(config, "show", "ada")
    assert "denied    on the deny list" in capsys.readouterr().out


def test_somebody_without_an_account_has_no_state_of_one() -> None:
    assert state_word(Person()) == "no account"
