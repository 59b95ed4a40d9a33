"""Migrations: once, whole, and only on a file of ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from proxy.storage.sqlite import schema
from proxy.storage.sqlite.schema import APPLICATION_ID, MIGRATIONS, is_foreign, migrate, version_of


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return {name for (name,) in rows}


def test_an_empty_file_is_nobodys_and_gets_every_table(empty: sqlite3.Connection) -> None:
    assert not is_foreign(empty)
    assert version_of(empty) == 0
    migrate(empty)
    assert version_of(empty) == len(MIGRATIONS)
    assert {
        "sessions",
        "changes",
        "entries",
        "bindings",
        "counted",
        "latches",
        "named_leases",
        "seats",
    } <= tables(empty)
    assert empty.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID


def test_migrating_again_changes_nothing(empty: sqlite3.Connection) -> None:
    migrate(empty)
    empty.execute("INSERT INTO latches VALUES ('idp:corp', 1)")
    migrate(empty)
    assert empty.execute("SELECT count(*) FROM latches").fetchone()[0] == 1


def test_a_file_of_the_first_release_keeps_its_entries(
    empty: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:1])
    migrate(empty)
    empty.execute(
        "INSERT INTO entries (account_id, statements, state, version, next_attempt_at, since)"
        " VALUES ('7', '[]', 'open', 3, 0, 0)"
    )
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS)
    migrate(empty)
    assert empty.execute("SELECT account_id, version, is_bulk FROM entries").fetchall() == [("7", 3, 0)]
    assert empty.execute("SELECT version, carried FROM rulings").fetchall() == [(0, 0)]


def test_members_of_an_older_file_are_not_called_idle_before_their_time(
    empty: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody wrote down when they were active: the time begins with the upgrade."""
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:2])
    migrate(empty)
    empty.execute("INSERT INTO bindings VALUES ('https://corp.example.com', 'ada', '7', 'ada', NULL, 0)")
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS)
    migrate(empty)
    (active,) = empty.execute("SELECT last_active_at FROM bindings").fetchone()
    assert active > 1_700_000_000


def test_sessions_of_an_older_file_stay_and_name_no_session_of_an_idp_yet(
    empty: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:3])
    migrate(empty)
    empty.execute(
        "INSERT INTO sessions (key, issuer, subject, idp, sealed, version, created_at, last_seen_at, due_at)"
        " VALUES ('k', 'https://corp.example.com', 'ada', 'corp', x'00', 1, 0, 0, 0)"
    )
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS)
    migrate(empty)
    assert empty.execute("SELECT key, sid_hash FROM sessions").fetchall() == [("k", None)]


def test_a_file_with_anothers_tables_is_foreign(empty: sqlite3.Connection) -> None:
    empty.execute("CREATE TABLE theirs (x)")
    assert is_foreign(empty)


def test_a_later_migration_runs_on_a_file_that_has_the_first(
    empty: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(empty)
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE later (x);\nCREATE TABLE latest (x);\n")
    )
    migrate(empty)
    assert {"later", "latest"} <= tables(empty)
    assert version_of(empty) == len(MIGRATIONS) + 1


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    empty: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(empty)
    before = tables(empty)
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE half (x);\nCREATE NONSENSE;\n"))
    with pytest.raises(sqlite3.OperationalError):
        migrate(empty)
    assert tables(empty) == before
    assert version_of(empty) == len(MIGRATIONS)


def test_an_entry_is_keyed_by_account_or_by_subject_and_never_by_both(empty: sqlite3.Connection) -> None:
    migrate(empty)
    statement = (
        "INSERT INTO entries (account_id, issuer, subject, statements, state, version, next_attempt_at, since)"
        " VALUES (?, ?, ?, '[]', 'open', 1, 0, 0)"
    )
    for key in (("7", "i", "s"), (None, None, None), (None, "i", None)):
        with pytest.raises(sqlite3.IntegrityError):
            empty.execute(statement, key)
    empty.execute(statement, ("7", None, None))
    empty.execute(statement, (None, "i", "s"))


def test_every_query_of_the_hot_paths_uses_an_index(empty: sqlite3.Connection) -> None:
    migrate(empty)
    queries = (
        "SELECT key FROM sessions WHERE key = 'x'",
        "SELECT key FROM sessions WHERE issuer = 'i' AND subject = 's'",
        "SELECT key, sealed FROM sessions WHERE substr(sealed, 2, 4) IN (x'00000000', x'00000001')",
        "SELECT key, issuer, subject FROM sessions WHERE idp = 'i' AND sid_hash = 'h'",
        "SELECT key FROM sessions WHERE due_at < 1 ORDER BY due_at LIMIT 1",
        "SELECT key FROM sessions WHERE last_seen_at < 1 ORDER BY last_seen_at",
        "SELECT key FROM changes WHERE id > 1 ORDER BY id",
        "SELECT id FROM entries WHERE account_id = '7'",
        "SELECT id FROM entries WHERE issuer = 'i' AND subject = 's'",
        "SELECT id FROM entries INDEXED BY entries_waiting WHERE state = 'open' AND next_attempt_at <= 1"
        " ORDER BY is_bulk, since, id LIMIT 1",
        "SELECT account_id FROM bindings WHERE issuer = 'i' AND subject = 's'",
        "SELECT login FROM bindings WHERE account_id = '7'",
        "SELECT count(*) FROM memberships WHERE app_group = 'g'",
        "SELECT record FROM audit WHERE issuer = 'i' AND subject = 's'",
        "SELECT record FROM audit WHERE account_id = '7'",
        "SELECT id FROM audit WHERE at < 1 ORDER BY at LIMIT 1",
        "SELECT version FROM rulings WHERE one = 1",
    )
    for query in queries:
        plan = " ".join(row[3] for row in empty.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert "SEARCH" in plan or "USING INDEX" in plan, (query, plan)
        assert "TEMP B-TREE" not in plan, (query, plan)
