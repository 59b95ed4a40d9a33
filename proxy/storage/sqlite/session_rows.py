"""Sessions as rows: plain functions of a connection, each to be run inside one transaction.

What is said about a session is in `sealed`; the columns are copies for queries, but for `last_seen_at`, where the column
is the truth: `touch` raises it many times between two saves.
"""

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Final

from proxy.identity import IdpId, Subject
from proxy.session.codec import (
    NONCE_BYTES,
    KeyRing,
    open_session,
    reseal_session,
    seal_session,
    sid_hash,
)
from proxy.session.model import AccountState, Session, SessionKey
from proxy.session.store import Lease
from proxy.storage.sqlite.change_rows import announce

_COLUMNS: Final = "key, sealed, last_seen_at"


def load_session(connection: sqlite3.Connection, ring: KeyRing, key: SessionKey) -> Session | None:
    """The session; None when there is none or its seal does not open."""
    return next(iter(select_sessions(connection, ring, "key = ?", (key,), limit=1)), None)


def select_sessions(
    connection: sqlite3.Connection,
    ring: KeyRing,
    condition: str,
    values: tuple[object, ...],
    *,
    limit: int | None = None,
) -> tuple[Session, ...]:
    """The first sessions that meet an SQL condition of ours. Those whose seal does not open neither show nor count."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM sessions WHERE {condition}", values)  # noqa: S608 -- ours
    opened = (_opened(ring, row) for row in rows)
    return tuple(islice((session for session in opened if session is not None), limit))


def insert_session(connection: sqlite3.Connection, ring: KeyRing, session: Session) -> None:
    """Insert; again with the same session does nothing, so that a write of unknown outcome can be repeated."""
    connection.execute(
        "INSERT INTO sessions (key, issuer, subject, idp, created_at,"
        " sealed, version, last_seen_at, due_at, next_attempt_at, sid_hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        (
            session.key,
            session.subject.issuer,
            session.subject.subject,
            session.idp,
            session.created_at,
            *_changing(ring, session),
        ),
    )


def update_session(connection: sqlite3.Connection, ring: KeyRing, session: Session, lease: Lease) -> bool:
    """Write the next version under the lease. False, and nothing written, when the lease, the session or the race was lost."""
    row = connection.execute(
        "SELECT version FROM sessions WHERE key = ? AND key = ? AND holder = ? AND fence = ?",
        (session.key, lease.key, lease.holder, lease.fence),
    ).fetchone()
    if row is None:
        return False
    if row[0] == session.version:
        return _is_written(connection, ring, session)
    if row[0] != session.version - 1:
        return False
    _rewrite(connection, ring, session)
    return True


def delete_sessions(connection: sqlite3.Connection, keys: Iterable[SessionKey]) -> tuple[SessionKey, ...]:
    """Remove and announce; returns those that were there."""
    statement = "DELETE FROM sessions WHERE key = ? RETURNING key"
    ended = tuple(
        SessionKey(row[0]) for key in keys for row in connection.execute(statement, (key,)).fetchall()
    )
    announce(connection, ended, has_ended=True)
    return ended


def keys_of_subject(connection: sqlite3.Connection, subject: Subject) -> tuple[SessionKey, ...]:
    rows = connection.execute(
        "SELECT key FROM sessions WHERE issuer = ? AND subject = ?", (subject.issuer, subject.subject)
    )
    return tuple(SessionKey(key) for (key,) in rows)


def keys_of_idp_session(
    connection: sqlite3.Connection, idp: IdpId, sid: str, subject: Subject | None
) -> tuple[SessionKey, ...]:
    """The sessions that an IdP's session led to; with a subject, only that person's."""
    rows = connection.execute(
        "SELECT key, issuer, subject FROM sessions WHERE idp = ? AND sid_hash = ?", (idp, sid_hash(sid))
    )
    wanted = None if subject is None else (subject.issuer, subject.subject)
    return tuple(SessionKey(key) for key, *person in rows if wanted in (None, tuple(person)))


def write_account(
    connection: sqlite3.Connection, ring: KeyRing, subject: Subject, account: AccountState
) -> None:
    """Give all the person's sessions this account state; those that have it already are left alone."""
    sessions = select_sessions(
        connection, ring, "issuer = ? AND subject = ?", (subject.issuer, subject.subject)
    )
    changed = [session for session in sessions if session.account != account]
    for session in changed:
        _rewrite(connection, ring, replace(session, account=account, version=session.version + 1))
    announce(connection, (session.key for session in changed), has_ended=False)


def raise_last_seen(connection: sqlite3.Connection, seen: dict[SessionKey, float]) -> None:
    connection.executemany(
        "UPDATE sessions SET last_seen_at = ? WHERE key = ? AND last_seen_at < ?",
        ((at, key, at) for key, at in seen.items()),
    )


def count_unreadable(connection: sqlite3.Connection, ring: KeyRing) -> int:
    """Sessions sealed under keys that the ring does not hold."""
    row = connection.execute(f"SELECT count(*) FROM sessions WHERE {_unreadable(ring)}").fetchone()  # noqa: S608 -- ours
    return int(row[0])


def delete_unreadable(connection: sqlite3.Connection, ring: KeyRing, unseen_since: float) -> None:
    """Forget what nobody can open and nobody asked for: no policy that reads a session would ever end it."""
    connection.execute(
        f"DELETE FROM sessions WHERE last_seen_at < ? AND {_unreadable(ring)}",  # noqa: S608 -- ours
        (unseen_since,),
    )


def reseal_sessions(connection: sqlite3.Connection, ring: KeyRing, limit: int) -> int:
    """How many records another key of the ring had sealed and the first one seals now. A broken one is passed over."""
    first, *others = ring.keys
    older = ", ".join({f"x'{key.id.hex()}'" for key in others if key.id != first.id})
    rows = connection.execute(f"SELECT key, sealed FROM sessions WHERE substr(sealed, 2, 4) IN ({older})")  # noqa: S608 -- ours
    sealed_anew = (
        (reseal_session(ring, SessionKey(key), sealed, os.urandom(NONCE_BYTES)), key) for key, sealed in rows
    )
    written = list(islice((pair for pair in sealed_anew if pair[0] is not None), limit))
    connection.executemany("UPDATE sessions SET sealed = ? WHERE key = ?", written)
    return len(written)


def _unreadable(ring: KeyRing) -> str:
    """An SQL condition. Byte 1 of a sealed record is its version, then comes its key's id (see `session/codec.py`)."""
    known = ", ".join(f"x'{key.id.hex()}'" for key in ring.keys)
    return f"substr(sealed, 2, 4) NOT IN ({known})"


def _opened(ring: KeyRing, row: tuple[str, bytes, float]) -> Session | None:
    key, sealed, last_seen_at = row
    session = open_session(ring, SessionKey(key), sealed)
    return None if session is None else replace(session, last_seen_at=last_seen_at)


def _is_written(connection: sqlite3.Connection, ring: KeyRing, session: Session) -> bool:
    """Whether exactly this is there already: the repetition of a save whose answer was lost."""
    held = load_session(connection, ring, session.key)
    return held is not None and replace(held, last_seen_at=session.last_seen_at) == session


def _rewrite(connection: sqlite3.Connection, ring: KeyRing, session: Session) -> None:
    connection.execute(
        "UPDATE sessions SET sealed = ?, version = ?, last_seen_at = max(last_seen_at, ?), due_at = ?,"
        " next_attempt_at = ?, sid_hash = ? WHERE key = ?",
        (*_changing(ring, session), session.key),
    )


def _changing(ring: KeyRing, session: Session) -> tuple[bytes, int, float, float, float | None, str | None]:
    """The columns that every save writes: sealed, version, last_seen_at, due_at, next_attempt_at, sid_hash."""
    sealed = seal_session(ring, session, os.urandom(NONCE_BYTES))
    sid = None if session.idp_session is None else sid_hash(session.idp_session)
    return sealed, session.version, session.last_seen_at, session.due_at, session.next_attempt_at, sid
