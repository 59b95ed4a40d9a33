"""Opens the database file; whatever keeps it from being used is a sentence for the operator, before listening."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from proxy.storage.sqlite.faults import refusal, sentence
from proxy.storage.sqlite.schema import MIGRATIONS, is_foreign, migrate, version_of

OLDEST_SQLITE: Final = (3, 35, 0)
"""The first with RETURNING."""


def open_connections(path: Path, *, timeout: float) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """A connection for writing and one for reading, on the newest schema. Raises SettingsError.

    `timeout` in seconds: how long a transaction waits for another process's lock. The file is made with mode 0600.
    """
    _demand_version()
    try:
        _create_private(path)
        with closing(_connect(path, timeout)) as connection:
            _prepare(path, connection)
        return _connect(path, timeout), _reader(path, timeout)
    except OSError as error:
        raise refusal(path, error.strerror or "it cannot be opened") from error
    except sqlite3.Error as error:
        raise refusal(path, sentence(error)) from error


def _demand_version() -> None:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise refusal(Path(sqlite3.sqlite_version), f"this Python has an SQLite older than {wanted}")


def _create_private(path: Path) -> None:
    """The file for us alone; SQLite gives its journals the same mode. Opening for writing shows a read-only one now."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _connect(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection that leaves transactions to us and may be handed to the one thread that will use it."""
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _reader(path: Path, timeout: float) -> sqlite3.Connection:
    connection = _connect(path, timeout)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    if is_foreign(connection):
        raise refusal(path, "it is the database of another program")
    _demand_known_schema(path, connection)
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise refusal(path, f"its file system has no write-ahead log (journal mode is {mode})")
    migrate(connection)
    _demand_known_schema(path, connection)


def _demand_known_schema(path: Path, connection: sqlite3.Connection) -> None:
    found = version_of(connection)
    if found > len(MIGRATIONS):
        raise refusal(path, f"a newer Muster wrote it (schema {found}, this one knows {len(MIGRATIONS)})")
