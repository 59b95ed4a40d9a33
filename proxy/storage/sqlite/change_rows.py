"""The feed that every process polls: which sessions changed or ended. Numbers grow by one and are never reused.

A row is kept for ten minutes after `trim` first saw it. Who polls with a number older than the oldest row kept has missed
something and is told to drop everything.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final

from proxy.session.model import SessionKey
from proxy.session.store import Change

KEPT_SECONDS: Final = 600.0

DROP_EVERYTHING: Final = Change(key=SessionKey(""), has_ended=False)


def announce(connection: sqlite3.Connection, keys: Iterable[SessionKey], *, has_ended: bool) -> None:
    """Tell every process, once this transaction is committed."""
    connection.executemany(
        "INSERT INTO changes (key, has_ended) VALUES (?, ?)", ((key, has_ended) for key in keys)
    )


def newest_change(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return int(row[0]) if row else 0


def changes_after(connection: sqlite3.Connection, after: int) -> tuple[int, tuple[Change, ...]]:
    """The newest number and what came after `after`, or `DROP_EVERYTHING` where that cannot be told any more."""
    newest = newest_change(connection)
    if after == newest:
        return newest, ()
    rows = connection.execute(
        "SELECT key, has_ended FROM changes WHERE id > ? ORDER BY id", (after,)
    ).fetchall()
    if len(rows) != newest - after:
        return newest, (DROP_EVERYTHING,)
    return newest, tuple(Change(key=SessionKey(key), has_ended=bool(has_ended)) for key, has_ended in rows)


def trim_changes(connection: sqlite3.Connection, now: float) -> None:
    """Forget what was seen here more than ten minutes ago. Rows carry no time of their own: writers are not asked for one."""
    connection.execute("DELETE FROM changes WHERE noticed_at < ?", (now - KEPT_SECONDS,))
    connection.execute("UPDATE changes SET noticed_at = ? WHERE noticed_at IS NULL", (now,))
