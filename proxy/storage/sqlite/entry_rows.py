"""Outbox entries as rows, and how a statement enters: plain functions of a connection, each run inside one transaction.

| the merged statements | the entry was | it is then |
|---|---|---|
| nothing newer | anything | as before, nothing written |
| say the same as before | anything | in the same state and version; only the times are written |
| say something else | done, parked, held, dropped | open, next version, since now, its attempts forgotten |
| say something else | open | open since when it was, next version, to be tried now |
"""

import sqlite3
from dataclasses import replace
from typing import Any, Final

from proxy.identity import IdpId, Subject
from proxy.provisioning.merge import merge_statement, says_the_same
from proxy.provisioning.model import AccountId, Entry, EntryState, Statement
from proxy.reasons import Reason
from proxy.storage.statements import statements_from_text, statements_to_text

_COLUMNS: Final = (
    "id, account_id, statements, state, version, attempts, next_attempt_at, reason, detail, creating, since"
)


def select_entries(
    connection: sqlite3.Connection, condition: str, values: tuple[object, ...]
) -> tuple[Entry, ...]:
    """The entries that meet an SQL condition of ours."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM entries WHERE {condition}", values)  # noqa: S608 -- ours
    return tuple(_entry(row) for row in rows)


def entry_by_id(connection: sqlite3.Connection, entry_id: int) -> Entry:
    """The entry that is known to be there."""
    return select_entries(connection, "id = ?", (entry_id,))[0]


def entry_of_subject(connection: sqlite3.Connection, subject: Subject) -> Entry | None:
    """The account's entry once the subject is bound, else the one that asks for an account."""
    account = account_of(connection, subject)
    if account is not None:
        found = select_entries(connection, "account_id = ?", (account,))
    else:
        found = select_entries(connection, "issuer = ? AND subject = ?", (subject.issuer, subject.subject))
    return found[0] if found else None


def account_of(connection: sqlite3.Connection, subject: Subject) -> AccountId | None:
    row = connection.execute(
        "SELECT account_id FROM bindings WHERE issuer = ? AND subject = ?", (subject.issuer, subject.subject)
    ).fetchone()
    return None if row is None else AccountId(row[0])


def count_not_stated(connection: sqlite3.Connection, before: float) -> dict[IdpId, int]:
    """By source, the people whose groups it has not stated since then or longer."""
    rows = connection.execute(
        "SELECT json_extract(one.value, '$.source') AS source, count(*)"
        " FROM entries, json_each(entries.statements) AS one"
        " WHERE json_extract(one.value, '$.not_stated_since') <= ?"
        " AND json_extract(one.value, '$.says.vouched') IS NOT NULL GROUP BY source",
        (before,),
    )
    return {IdpId(source): number for source, number in rows}


def note_statement(connection: sqlite3.Connection, statement: Statement, now: float) -> Entry:
    """Merge the statement into the person's entry, made when absent; see the module's table."""
    numbered = replace(statement, seq=_next_seq(connection))
    entry = entry_of_subject(connection, statement.subject)
    if entry is None:
        return _insert(connection, numbered, now)
    merged = merge_statement(entry.statements, numbered)
    if merged is None:
        return entry
    return write_statements(connection, entry, merged, now)


def write_statements(
    connection: sqlite3.Connection, entry: Entry, merged: tuple[Statement, ...], now: float
) -> Entry:
    """The entry with these statements; open and of the next version if they say something else."""
    if says_the_same(entry.statements, merged):
        _write_text(connection, entry.id, merged)
    else:
        since = entry.since if entry.state is EntryState.OPEN else now
        _write_text(connection, entry.id, merged)
        connection.execute(
            "UPDATE entries SET state = 'open', version = version + 1, attempts = 0, next_attempt_at = ?,"
            " reason = NULL, detail = '', since = ?, is_bulk = 0 WHERE id = ?",
            (now, since, entry.id),
        )
    return entry_by_id(connection, entry.id)


def _write_text(connection: sqlite3.Connection, entry_id: int, statements: tuple[Statement, ...]) -> None:
    connection.execute(
        "UPDATE entries SET statements = ? WHERE id = ?", (statements_to_text(statements), entry_id)
    )


def _insert(connection: sqlite3.Connection, statement: Statement, now: float) -> Entry:
    account = account_of(connection, statement.subject)
    subject = statement.subject if account is None else None
    merged = merge_statement((), statement) or (statement,)
    row = connection.execute(
        "INSERT INTO entries (account_id, issuer, subject, statements, state, version, next_attempt_at, since)"
        " VALUES (?, ?, ?, ?, 'open', 1, ?, ?) RETURNING id",
        (
            account,
            subject and subject.issuer,
            subject and subject.subject,
            statements_to_text(merged),
            now,
            now,
        ),
    ).fetchone()
    return entry_by_id(connection, row[0])


def _next_seq(connection: sqlite3.Connection) -> int:
    row = connection.execute("UPDATE sequence SET value = value + 1 RETURNING value").fetchone()
    return int(row[0])


def _entry(row: tuple[Any, ...]) -> Entry:
    entry_id, account, statements, state, version, attempts, next_attempt, reason, detail, creating, since = (
        row
    )
    return Entry(
        id=entry_id,
        account_id=None if account is None else AccountId(account),
        statements=statements_from_text(statements),
        state=EntryState(state),
        version=version,
        attempts=attempts,
        next_attempt_at=next_attempt,
        reason=None if reason is None else Reason(reason),
        detail=detail,
        creating=creating,
        since=since,
    )
