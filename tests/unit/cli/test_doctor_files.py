"""The doctor on this machine: what it says of files and store, and that it leaves no trace."""

import os
import sqlite3
from pathlib import Path

import pytest

from proxy.cli.doctor_files import Stored, examine_configuration, examine_store
from proxy.cli.doctor_finding import Findings, Result
from proxy.settings.load import load
from proxy.settings.model import Settings
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import THEN, add_member, add_session, in_store, vouched
from tests.partners.redis_fixtures import redis_server  # noqa: F401  # pytest finds it by name
from tests.partners.redis_servers import RedisServer


def lines(findings: Findings) -> list[str]:
    return [f"{one.result.value} {one.check}: {one.seen}" for one in findings]


@pytest.fixture
def made(config: Path) -> Path:
    async def nothing(store: SqliteStore) -> None:
        return None

    in_store(config, nothing)
    return config


def store(config: Path) -> tuple[Stored, Findings]:
    return examine_store(load(config, {}))


def test_a_configuration_that_loads_is_said_to(config: Path) -> None:
    config.chmod(0o644)
    settings, found = examine_configuration(config)
    assert isinstance(settings, Settings)
    assert lines(found) == [f"ok configuration: {config} loads"]


def test_every_mistake_is_a_finding(config: Path) -> None:
    config.write_text(config.read_text().replace("https://app", "http://app").replace("client_id", "x"))
    settings, found = examine_configuration(config)
    assert settings is None
    assert [one.result for one in found] == [Result.FAILED] * 3


def test_doubts_and_a_file_that_others_may_write_are_warnings(config: Path) -> None:
    config.write_text(config.read_text().replace("domains: [example.com]", "domains: []"))
    config.chmod(0o666)
    _, found = examine_configuration(config)
    assert [one.result for one in found] == [Result.WARNING] * 2
    assert "no domain is listed" in found[0].seen
    assert found[1].advice == f"chmod go-w {config}"


def test_before_the_first_start_nothing_is_there_and_nothing_is_made(config: Path) -> None:
    before = set(config.parent.iterdir())
    stored, found = store(config)
    assert stored == Stored()
    assert [(one.check, one.result) for one in found] == [
        ("key file", Result.WARNING),
        ("store", Result.WARNING),
    ]
    assert set(config.parent.iterdir()) == before


def test_a_store_in_order(made: Path) -> None:
    before = {path: path.read_bytes() for path in made.parent.iterdir()}
    _, found = store(made)
    assert lines(found) == [
        f"ok key file: {made.parent}/muster.keys holds 1 (mode 0600)",
        f"ok store: {made.parent}/muster.db opens (mode 0600); nothing waits in it",
    ]
    assert {path: path.read_bytes() for path in made.parent.iterdir()} == before


def test_what_is_known_of_people_comes_newest_first(made: Path) -> None:
    async def people(opened: SqliteStore) -> None:
        await add_member(opened, "ada", "7", "engineers")
        await add_session(opened, "ada", "7")
        await opened.outbox.note(vouched("eve", at=THEN + 60), THEN + 60)

    in_store(made, people)
    stored, _ = store(made)
    assert [one.username for one in stored.vouched] == ["eve", "ada"]
    assert stored.refreshable == (("corp", True),)
    assert (stored.members, stored.login) == (1, "ada")


def test_a_store_is_read_while_another_process_writes(made: Path) -> None:
    with sqlite3.connect(made.parent / "muster.db") as writer:
        writer.execute("BEGIN IMMEDIATE")
        _, found = store(made)
        writer.rollback()
    writer.close()
    assert [one.result for one in found] == [Result.OK, Result.OK]


def test_files_that_others_may_open(made: Path) -> None:
    (made.parent / "muster.db").chmod(0o644)
    (made.parent / "muster.keys").chmod(0o644)
    _, found = store(made)
    assert [(one.check, one.result) for one in found] == [
        ("key file", Result.FAILED),
        ("store", Result.WARNING),
        ("store", Result.FAILED),
    ]
    assert "chmod 600" in found[0].seen
    assert found[1].advice == f"chmod 600 {made.parent}/muster.db"


def test_an_older_store_is_told_and_not_brought_up(made: Path) -> None:
    path = made.parent / "muster.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    _, found = store(made)
    assert found[-1].result is Result.WARNING
    assert "has schema 1 of" in found[-1].seen
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


def test_a_newer_store_and_what_is_no_store_are_failures(made: Path) -> None:
    path = made.parent / "muster.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "a newer Muster wrote it" in store(made)[1][-1].seen
    path.write_bytes(b"no database at all" * 99)
    found = store(made)[1][-1]
    assert (found.result, found.seen) == (Result.FAILED, f"{path}: it is not a database")


def test_what_waits_is_told(made: Path) -> None:
    async def waiting(opened: SqliteStore) -> None:
        await opened.outbox.note(vouched("eve"), THEN)
        await opened.ledger.latch("idp:corp", THEN)

    in_store(made, waiting)
    _, found = store(made)
    assert [one.advice for one in found] == [
        "",
        "see whether muster serve runs and the app answers",
        "muster held list",
    ]
    assert "latched: idp:corp" in found[2].seen


def test_without_statements_that_wait_for_an_app_sessions_tell_who_was_vouched_for(made: Path) -> None:
    async def signed_in(opened: SqliteStore) -> None:
        await add_session(opened, "ada", "7")

    in_store(made, signed_in)
    assert [one.subject.subject for one in store(made)[0].vouched] == ["id-ada"]


def test_sessions_under_a_lost_key_are_counted(made: Path) -> None:
    async def signed_in(opened: SqliteStore) -> None:
        await add_session(opened, "ada", "7")

    in_store(made, signed_in)
    (made.parent / "muster.keys").unlink()
    in_store(made, signed_in_nobody)
    stored, found = store(made)
    assert stored.refreshable == ()
    assert found[-1].seen.startswith("1 sessions are sealed under keys")


async def signed_in_nobody(opened: SqliteStore) -> None:
    """Opening makes a new key file."""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_store_is_told(made: Path) -> None:
    os.chown(made.parent / "muster.db", 12345, -1)
    _, found = store(made)
    assert [one.advice for one in found if "another user" in one.seen] == [
        "run commands as the user that runs muster serve"
    ]


def test_a_shared_store_is_read_as_a_file_is_once_the_keys_are_there(
    config: Path,
    redis_server: RedisServer,  # noqa: F811
) -> None:
    at = f'{{redis: {{url: "unix://{redis_server.socket}", prefix: doctor, timeout: 5s}}}}'
    config.write_text(config.read_text() + f"store: {at}\n")
    stored, found = store(config)
    assert stored == Stored()
    assert [one.result for one in found] == [Result.WARNING, Result.OK, Result.WARNING]
    assert "same key file" in found[-1].advice
    load_keyring(config.parent / "muster.keys")
    _, found = store(config)
    assert [one.result for one in found] == [Result.OK] * 3
    assert found[-1].seen == "it opens; nothing waits in it"
    assert not (config.parent / "muster.db").exists()
