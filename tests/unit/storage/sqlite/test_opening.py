"""Opening: a private file in WAL mode, or a sentence for the operator."""

import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from proxy.errors import SettingsError
from proxy.storage.sqlite import opening
from proxy.storage.sqlite.opening import open_connections


def refused(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        open_connections(path, timeout=0.1)
    assert [problem.path for problem in caught.value.problems] == ["store.sqlite"]
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_file_and_its_journals_are_for_the_owner_alone(
    path: Path, connection: sqlite3.Connection
) -> None:
    connection.execute("INSERT INTO latches VALUES ('idp:corp', 1)")
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("muster.db*")} == {0o600}


def test_a_commit_is_on_disk_before_it_is_told(connection: sqlite3.Connection) -> None:
    pragmas = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_the_reading_connection_cannot_write(path: Path) -> None:
    writing, reading = open_connections(path, timeout=1)
    with closing(writing), closing(reading), pytest.raises(sqlite3.OperationalError, match="readonly"):
        reading.execute("INSERT INTO latches VALUES ('idp:corp', 1)")


def test_a_file_opens_again_with_what_it_holds(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO latches VALUES ('idp:corp', 1)")
    writing, reading = open_connections(path, timeout=1)
    with closing(writing), closing(reading):
        assert reading.execute("SELECT scope FROM latches").fetchall() == [("idp:corp",)]


def test_processes_that_start_together_make_the_tables_once(tmp_path: Path) -> None:
    def open_and_close(number: int) -> None:
        for connection in open_connections(tmp_path / f"{number // 8}.db", timeout=5):
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_and_close, range(40)))


def test_an_unreachable_folder_is_a_sentence(tmp_path: Path) -> None:
    assert "No such file or directory" in refused(tmp_path / "nowhere" / "muster.db")


def test_a_folder_in_the_files_place_is_a_sentence(path: Path) -> None:
    path.mkdir()
    assert "Is a directory" in refused(path)


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("dear diary, " * 1000, encoding="ascii")
    assert "not a database" in refused(path)
    assert path.read_text(encoding="ascii").startswith("dear diary")


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    assert "another program" in refused(path)


def test_a_newer_schema_is_refused_with_both_numbers(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 999")
    assert "schema 999" in refused(path)


def test_a_damaged_file_is_a_sentence(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path.write_bytes(path.read_bytes()[:100] + b"\xee" * 4000)
    assert "damaged" in refused(path)


def test_a_file_that_another_process_has_locked_for_itself_is_a_sentence(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked by another process" in refused(path)


def test_an_sqlite_that_is_too_old_is_a_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "OLDEST_SQLITE", (99, 0, 0))
    with pytest.raises(SettingsError, match=r"older than 99\.0\.0"):
        open_connections(path, timeout=1)
    assert not path.exists()


def test_a_read_only_file_is_a_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anything, so the refusal is the system call's, handed in."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert "Permission denied" in refused(path)
