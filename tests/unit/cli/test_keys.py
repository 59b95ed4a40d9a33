"""`muster keys`: a rotation by command, refused where it would sign somebody out; no key is ever shown."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from proxy.cli.main import main
from proxy.storage.keyring import read_keyring
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import add_session, in_store

Out = pytest.CaptureFixture[str]


async def signed_in(store: SqliteStore) -> None:
    for name, account in (("ada", "7"), ("bob", "8")):
        await add_session(store, name, account)


async def living(store: SqliteStore) -> int:
    return len(await store.sessions.last_used_before(1e12, 10))


def keys(config: Path, *words: str) -> int:
    return main(["keys", *words, "-c", str(config)])


def ids(config: Path) -> list[str]:
    return [key.id.hex() for key in read_keyring(config.parent / "muster.keys").keys]


def listed(config: Path, out: Out) -> list[dict[str, Any]]:
    out.readouterr()
    assert keys(config, "list", "--json") == 0
    document = json.loads(out.readouterr().out)
    assert document["sessions_without_key"] == 0
    rows: list[dict[str, Any]] = document["keys"]
    return rows


def age(config: Path) -> None:
    """The file changed long ago."""
    os.utime(config.parent / "muster.keys", (1_700_000_000, 1_700_000_000))


def test_a_whole_rotation_keeps_every_session(config: Path, capsys: Out) -> None:
    in_store(config, signed_in)
    (old,) = ids(config)
    assert keys(config, "add") == 0
    _, new = ids(config)
    assert [(row["key"], row["seals"], row["sessions"]) for row in listed(config, capsys)] == [
        (old, True, 2),
        (new, False, 0),
    ]
    assert keys(config, "promote", new) == 0
    assert ids(config) == [new, old]
    assert keys(config, "reseal") == 0
    assert "2 sessions sealed anew" in capsys.readouterr().out
    assert [row["sessions"] for row in listed(config, capsys)] == [2, 0]
    age(config)
    assert keys(config, "retire", old) == 0
    assert ids(config) == [new]
    assert in_store(config, living) == 2


def test_a_key_that_sealed_sessions_is_not_retired(config: Path, capsys: Out) -> None:
    in_store(config, signed_in)
    (old,) = ids(config)
    keys(config, "add", "--first")
    age(config)
    assert keys(config, "retire", old, "--now") == 2
    assert f"2 sessions are still sealed under {old}" in capsys.readouterr().err
    assert old in ids(config)


def test_the_key_that_seals_is_not_retired(config: Path, capsys: Out) -> None:
    in_store(config, signed_in)
    (old,) = ids(config)
    assert keys(config, "retire", old) == 2
    assert "promote another key first" in capsys.readouterr().err


def test_sign_ins_that_are_under_way_are_waited_for_unless_told_otherwise(config: Path, capsys: Out) -> None:
    in_store(config, living)
    (old,) = ids(config)
    keys(config, "add", "--first")
    assert keys(config, "retire", old) == 2
    assert "sign-ins that are under way" in capsys.readouterr().err
    assert keys(config, "retire", old, "--now") == 0
    assert old not in ids(config)


@pytest.mark.parametrize("command", ["promote", "retire"])
def test_a_key_that_is_not_there_is_a_sentence(config: Path, capsys: Out, command: str) -> None:
    in_store(config, living)
    assert keys(config, command, "deadbeef") == 2
    assert "there is no key 'deadbeef'" in capsys.readouterr().err


def test_a_lost_key_is_said(config: Path, capsys: Out) -> None:
    in_store(config, signed_in)
    (config.parent / "muster.keys").unlink()
    in_store(config, living)
    assert keys(config, "list") == 0
    assert "2 sessions are sealed under keys that are not in" in capsys.readouterr().out


def test_no_key_is_shown_and_every_change_is_written_down(config: Path, capsys: Out) -> None:
    in_store(config, signed_in)
    for words in (["add"], ["add", "--first", "--json"], ["list"], ["reseal", "--json"], ["list", "--json"]):
        assert keys(config, *words) == 0
    out = capsys.readouterr().out
    for line in (config.parent / "muster.keys").read_text().splitlines()[1:]:
        assert line not in out
    main(["audit", "--event", "keys", "--json", "-c", str(config)])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["outcome"] for record in records] == ["add", "add", "reseal"]
    assert records[2]["sessions"] == 2
