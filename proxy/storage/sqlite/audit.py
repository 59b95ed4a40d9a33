"""The audit trail on SQLite: rows are only ever added, and the oldest go when there are too many or they are too old."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from proxy.storage.audit import MOST_AT_ONCE, AuditQuery, Dated, marks_of, record_to_text
from proxy.storage.sqlite.engine import SqliteEngine


class SqliteAudit:
    """`AuditTrail`, as rows."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def append(self, records: Sequence[Dated]) -> None:
        rows = [_row(at, record) for at, record in records]
        await self._engine.write(lambda connection: _insert(connection, rows))

    async def read(self, query: AuditQuery) -> tuple[Dated, ...]:
        return await self._engine.read(lambda connection: _select(connection, query))

    async def count(self) -> int:
        row = await self._engine.read(
            lambda connection: connection.execute("SELECT count(*) FROM audit").fetchone()
        )
        return int(row[0])

    async def trim(self, *, before: float, rows: int, at_most: int = MOST_AT_ONCE) -> int:
        return await self._engine.write(lambda connection: _trim(connection, before, rows, at_most))


def _row(at: float, record: dict[str, Any]) -> tuple[object, ...]:
    marks = marks_of(record)
    return at, marks.event, marks.issuer, marks.subject, marks.account, record_to_text(record)


def _insert(connection: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    connection.executemany(
        "INSERT INTO audit (at, event, issuer, subject, account_id, record) VALUES (?, ?, ?, ?, ?, ?)", rows
    )


def _select(connection: sqlite3.Connection, query: AuditQuery) -> tuple[Dated, ...]:
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


def _trim(connection: sqlite3.Connection, before: float, rows: int, at_most: int) -> int:
    old = connection.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)",
        (before, at_most),
    )
    newest = connection.execute("SELECT max(id) FROM audit").fetchone()[0] or 0
    # Ids grow by one and are never used twice: what is beyond the newest `rows` lies below this one.
    many = connection.execute(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id <= ? ORDER BY id LIMIT ?)",
        (newest - rows, at_most),
    )
    return old.rowcount + many.rowcount
