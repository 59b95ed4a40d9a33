"""The audit trail on SQLite: rows are only ever added, and the oldest go when there are too many or they are too old."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.identity import Subject
from proxy.storage.sqlite.engine import SqliteEngine

MOST_AT_ONCE: Final = 5000
"""Rows taken out in one transaction: trimming must not keep the writer from people who wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which records: of any of these people or accounts (of all where none is named), since, of one event; the newest `limit`."""

    subjects: frozenset[Subject] = field(default=frozenset())
    accounts: frozenset[str] = field(default=frozenset())
    since: float = 0.0
    event: str | None = None
    limit: int = 1000


class SqliteAudit:
    """Records as they were written to standard output: JSON objects with `event`, and `at` in seconds."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def append(self, records: Sequence[tuple[float, dict[str, Any]]]) -> None:
        """Write them all, in this order, or none; each with its time in seconds since the epoch."""
        rows = [_row(at, record) for at, record in records]
        await self._engine.write(lambda connection: _insert(connection, rows))

    async def read(self, query: AuditQuery) -> tuple[tuple[float, dict[str, Any]], ...]:
        """Records with their times, the oldest first."""
        return await self._engine.read(lambda connection: _select(connection, query))

    async def count(self) -> int:
        row = await self._engine.read(
            lambda connection: connection.execute("SELECT count(*) FROM audit").fetchone()
        )
        return int(row[0])

    async def trim(self, *, before: float, rows: int) -> int:
        """Take out what is older than `before` or beyond the newest `rows`; how many, at most `MOST_AT_ONCE` of either."""
        return await self._engine.write(lambda connection: _trim(connection, before, rows))


def _row(at: float, record: dict[str, Any]) -> tuple[object, ...]:
    event = str(record.get("event", ""))
    # In `sign_in`, `account` is the account's state; everywhere else the app's id.
    account = record.get("account") if event != "sign_in" else None
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)
    return at, event, record.get("issuer"), record.get("subject"), account, text


def _insert(connection: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    connection.executemany(
        "INSERT INTO audit (at, event, issuer, subject, account_id, record) VALUES (?, ?, ?, ?, ?, ?)", rows
    )


def _select(connection: sqlite3.Connection, query: AuditQuery) -> tuple[tuple[float, dict[str, Any]], ...]:
    whom, values = _whom(query)
    rows = connection.execute(
        f"SELECT at, record FROM audit WHERE at >= ? AND (? IS NULL OR event = ?){whom} ORDER BY id DESC LIMIT ?",  # noqa: S608 -- ours
        (query.since, query.event, query.event, *values, query.limit),
    ).fetchall()
    return tuple((at, json.loads(record)) for at, record in reversed(rows))


def _whom(query: AuditQuery) -> tuple[str, list[str]]:
    """The condition about people; nothing where nobody is named."""
    subjects = sorted(query.subjects)
    parts = ["(issuer = ? AND subject = ?)"] * len(subjects) + ["account_id = ?"] * len(query.accounts)
    values = [text for one in subjects for text in (one.issuer, one.subject)]
    return (f" AND ({' OR '.join(parts)})" if parts else ""), [*values, *sorted(query.accounts)]


def _trim(connection: sqlite3.Connection, before: float, rows: int) -> int:
    old = connection.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)",
        (before, MOST_AT_ONCE),
    )
    newest = connection.execute("SELECT max(id) FROM audit").fetchone()[0] or 0
    # Ids grow by one and are never used twice: what is beyond the newest `rows` lies below this one.
    many = connection.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id <= ? ORDER BY id LIMIT ?)",
        (newest - rows, MOST_AT_ONCE),
    )
    return old.rowcount + many.rowcount
