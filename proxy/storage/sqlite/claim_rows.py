"""Claims on entries: who carries one out, until when, fenced by a token that grows with each claim.

Every write under a claim names its token: whoever lost the claim writes nothing. An expired claim that nobody took since
may still write and be renewed; the token, not the time, keeps two couriers apart.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from proxy.provisioning.model import Entry, EntryState
from proxy.provisioning.outbox import Claim
from proxy.reasons import Reason
from proxy.storage.sqlite.entry_rows import entry_by_id

_HELD: Final = "id = ? AND holder = ? AND token = ?"
_FREE: Final = "AND state = 'open' AND (holder IS NULL OR claimed_until <= ?)"
_RELEASED: Final = "holder = NULL, claimed_until = 0"


def held_by(claim: Claim) -> tuple[int, str, int]:
    """The values for the condition that the claim still holds."""
    return claim.entry.id, claim.holder, claim.token


def is_held(connection: sqlite3.Connection, claim: Claim) -> bool:
    return (
        connection.execute(f"SELECT 1 FROM entries WHERE {_HELD}", held_by(claim)).fetchone() is not None  # noqa: S608 -- ours
    )


def take_claim(
    connection: sqlite3.Connection, *, holder: str, now: float, until: float, entry_id: int | None
) -> Claim | None:
    """A claim on the named open entry, or on the one that waits longest and may be tried now.

    What was opened all at once (`open_again`) comes after everything that somebody stated.
    """
    waiting = "entries INDEXED BY entries_waiting WHERE next_attempt_at <= ?"
    which = (
        f"{waiting} {_FREE} ORDER BY is_bulk, since, id LIMIT 1"
        if entry_id is None
        else f"entries WHERE id = ? {_FREE}"
    )
    row = connection.execute(
        f"UPDATE entries SET holder = ?, token = token + 1, claimed_until = ? WHERE id = (SELECT id FROM {which})"  # noqa: S608 -- ours
        " RETURNING id, token",
        (holder, until, now if entry_id is None else entry_id, now),
    ).fetchone()
    if row is None:
        return None
    return Claim(entry=entry_by_id(connection, row[0]), holder=holder, token=row[1], until=until)


def extend_claim(connection: sqlite3.Connection, claim: Claim, *, until: float) -> Claim | None:
    done = _update(connection, claim, "claimed_until = ?", (until,))
    return replace(claim, until=until) if done else None


def write_creating(connection: sqlite3.Connection, claim: Claim, login: str) -> bool:
    return _update(connection, claim, "creating = ?", (login,))


def acknowledge(connection: sqlite3.Connection, claim: Claim, now: float) -> Entry | None:
    """Done; or still open, to be tried at once, where the entry's version is no longer the claim's."""
    is_done = _update(
        connection,
        claim,
        "state = CASE WHEN version = ? THEN 'done' ELSE 'open' END, since = CASE WHEN version = ? THEN ? ELSE since END,"
        f" attempts = 0, next_attempt_at = ?, reason = NULL, detail = '', creating = NULL, {_RELEASED}",
        (claim.entry.version, claim.entry.version, now, now),
    )
    return entry_by_id(connection, claim.entry.id) if is_done else None


def put_back(connection: sqlite3.Connection, claim: Claim, *, at: float, reason: Reason, detail: str) -> None:
    """To be tried again at `at`; at once where a newer statement came meanwhile."""
    _update(
        connection,
        claim,
        "attempts = attempts + 1, next_attempt_at = CASE WHEN version = ? THEN ? ELSE next_attempt_at END,"
        f" reason = ?, detail = ?, {_RELEASED}",
        (claim.entry.version, at, reason.value, detail),
    )


def lay_aside(
    connection: sqlite3.Connection, claim: Claim, state: EntryState, *, reason: Reason, detail: str
) -> None:
    """Parked or held; left open where a newer statement came meanwhile."""
    _update(
        connection,
        claim,
        f"state = CASE WHEN version = ? THEN ? ELSE 'open' END, reason = ?, detail = ?, {_RELEASED}",
        (claim.entry.version, state.value, reason.value, detail),
    )


def delete_entry(connection: sqlite3.Connection, claim: Claim) -> None:
    """Delete an unbound entry; only give the claim back where a newer statement came or it is bound."""
    connection.execute(
        f"DELETE FROM entries WHERE {_HELD} AND account_id IS NULL AND version = ?",  # noqa: S608 -- ours
        (*held_by(claim), claim.entry.version),
    )
    _update(connection, claim, _RELEASED, ())


def open_again(connection: sqlite3.Connection, entry_id: int | None, state: EntryState, now: float) -> int:
    """How many entries of this state are open now. All at once is bulk work; one alone is somebody's."""
    done = connection.execute(
        "UPDATE entries SET state = 'open', attempts = 0, next_attempt_at = ?, reason = NULL, detail = '', since = ?,"
        " is_bulk = ? WHERE state = ? AND state <> 'open' AND (? IS NULL OR id = ?)",
        (now, now, entry_id is None, state.value, entry_id, entry_id),
    )
    return done.rowcount


def _update(connection: sqlite3.Connection, claim: Claim, changes: str, values: tuple[object, ...]) -> bool:
    """Whether the claim was still held, and so the change written."""
    done = connection.execute(
        f"UPDATE entries SET {changes} WHERE {_HELD}",  # noqa: S608 -- ours
        (*values, *held_by(claim)),
    )
    return bool(done.rowcount)


def open_named(connection: sqlite3.Connection, entry_ids: Iterable[int], now: float) -> int:
    """How many of these were done and are open now, as bulk work."""
    statement = (
        "UPDATE entries SET state = 'open', attempts = 0, next_attempt_at = ?, reason = NULL, detail = '', since = ?, is_bulk = 1"
        " WHERE id = ? AND state = 'done'"
    )
    return connection.executemany(statement, ((now, now, one) for one in entry_ids)).rowcount


def dismiss_entry(connection: sqlite3.Connection, entry: Entry, now: float) -> bool:
    """Dropped as it stands, in one step: no courier can carry it out in between. False where it is not as it was any more."""
    done = connection.execute(
        "UPDATE entries SET state = 'dropped', since = ?, attempts = 0, reason = ? WHERE id = ? AND state = ? AND version = ?",
        (now, Reason.DROPPED.value, entry.id, entry.state.value, entry.version),
    )
    return bool(done.rowcount)
