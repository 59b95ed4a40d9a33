"""`SessionStore` on SQLite."""

import sqlite3
from collections.abc import Iterable

from proxy.identity import IdpId, Subject
from proxy.reasons import Reason
from proxy.session.codec import KeyRing
from proxy.session.model import AccountState, Session, SessionKey
from proxy.session.store import Change, Lease, Suspicion
from proxy.storage.sqlite.binding_rows import raise_last_active
from proxy.storage.sqlite.change_rows import announce, changes_after, newest_change
from proxy.storage.sqlite.engine import SqliteEngine
from proxy.storage.sqlite.lease_rows import drop_lease, extend_lease, grant_lease
from proxy.storage.sqlite.session_rows import (
    delete_sessions,
    insert_session,
    keys_of_idp_session,
    keys_of_subject,
    load_session,
    raise_last_seen,
    reseal_sessions,
    select_sessions,
    update_session,
    write_account,
)
from proxy.storage.sqlite.suspicion_rows import (
    cancel_timer,
    count_starts,
    fired_timers,
    freeze_timers,
    start_timer,
)


def save_session(connection: sqlite3.Connection, ring: KeyRing, session: Session, lease: Lease) -> bool:
    """The next version, announced to every process. False when nothing was written."""
    is_written = update_session(connection, ring, session, lease)
    if is_written:
        announce(connection, (session.key,), has_ended=False)
    return is_written


def create_session(
    connection: sqlite3.Connection, ring: KeyRing, session: Session, replaces: SessionKey | None
) -> None:
    """The new session; the one it replaces ends."""
    insert_session(connection, ring, session)
    if replaces is not None and replaces != session.key:
        delete_sessions(connection, (replaces,))


def _touch(connection: sqlite3.Connection, seen: dict[SessionKey, float]) -> None:
    """A session in use is a person at work: their binding outlives the session and remembers it."""
    raise_last_seen(connection, seen)
    raise_last_active(connection, seen)


class SqliteSessions:
    """Sessions, leases, attempts, timers and the feed of changes."""

    def __init__(self, engine: SqliteEngine, ring: KeyRing) -> None:
        self._engine = engine
        self._ring = ring

    async def load(self, key: SessionKey) -> Session | None:
        return await self._engine.read(lambda connection: load_session(connection, self._ring, key))

    async def create(self, session: Session, *, replaces: SessionKey | None = None) -> None:
        await self._engine.write(lambda connection: create_session(connection, self._ring, session, replaces))

    async def save(self, session: Session, *, lease: Lease) -> bool:
        return await self._engine.write(
            lambda connection: save_session(connection, self._ring, session, lease)
        )

    async def end(self, keys: Iterable[SessionKey], reason: Reason, now: float) -> None:
        ending = tuple(keys)
        await self._engine.write(lambda connection: delete_sessions(connection, ending))

    async def end_subject(self, subject: Subject, reason: Reason, now: float) -> tuple[SessionKey, ...]:
        return await self._engine.write(
            lambda connection: delete_sessions(connection, keys_of_subject(connection, subject))
        )

    async def end_idp_session(
        self, idp: IdpId, sid: str, subject: Subject | None, reason: Reason, now: float
    ) -> tuple[SessionKey, ...]:
        return await self._engine.write(
            lambda connection: delete_sessions(connection, keys_of_idp_session(connection, idp, sid, subject))
        )

    async def of_subject(self, subject: Subject) -> tuple[Session, ...]:
        return await self._select(
            "issuer = ? AND subject = ? ORDER BY created_at", (subject.issuer, subject.subject)
        )

    async def count(self, idp: IdpId) -> int:
        return await self._number("SELECT count(*) FROM sessions WHERE idp = ?", (idp,))

    async def set_account(self, subject: Subject, account: AccountState) -> None:
        await self._engine.write(lambda connection: write_account(connection, self._ring, subject, account))

    async def touch(self, seen: dict[SessionKey, float]) -> None:
        if seen:
            copy = dict(seen)
            await self._engine.write(lambda connection: _touch(connection, copy))

    async def mark_spent(self, session: Session, *, lease: Lease) -> bool:
        return await self._engine.write(
            lambda connection: update_session(connection, self._ring, session, lease)
        )

    async def acquire(self, key: SessionKey, *, holder: str, now: float, seconds: float) -> Lease | None:
        return await self._engine.write(
            lambda connection: grant_lease(connection, key, holder=holder, now=now, until=now + seconds)
        )

    async def renew(self, lease: Lease, *, now: float, seconds: float) -> Lease | None:
        return await self._engine.write(
            lambda connection: extend_lease(connection, lease, until=now + seconds)
        )

    async def release(self, lease: Lease) -> None:
        await self._engine.write(lambda connection: drop_lease(connection, lease))

    async def due(
        self, *, before: float, seen_since: float, now: float, limit: int
    ) -> tuple[SessionKey, ...]:
        statement = (
            "SELECT key FROM sessions WHERE due_at < ? AND last_seen_at >= ?"
            " AND (next_attempt_at IS NULL OR next_attempt_at <= ?) AND (holder IS NULL OR leased_until <= ?)"
            " ORDER BY due_at LIMIT ?"
        )
        values = (before, seen_since, now, now, limit)
        rows = await self._engine.read(lambda connection: connection.execute(statement, values).fetchall())
        return tuple(SessionKey(key) for (key,) in rows)

    async def last_used_before(self, cutoff: float, limit: int) -> tuple[Session, ...]:
        return await self._select("last_seen_at < ? ORDER BY last_seen_at", (cutoff,), limit)

    async def created_before(self, cutoff: float, limit: int) -> tuple[Session, ...]:
        return await self._select("created_at < ? ORDER BY created_at", (cutoff,), limit)

    async def reseal(self, limit: int) -> int:
        return await self._engine.write(lambda connection: reseal_sessions(connection, self._ring, limit))

    async def spend_attempt(self, state_hash: str, *, now: float, seconds: float) -> bool:
        statement = "INSERT INTO attempts (state_hash, until) VALUES (?, ?) ON CONFLICT DO NOTHING"
        values = (state_hash, now + seconds)
        return bool(
            await self._engine.write(lambda connection: connection.execute(statement, values).rowcount)
        )

    async def suspect(self, suspicion: Suspicion) -> bool:
        return await self._engine.write(lambda connection: start_timer(connection, suspicion))

    async def clear_suspicion(self, subject: Subject) -> bool:
        return await self._engine.write(lambda connection: cancel_timer(connection, subject))

    async def fired(self, now: float, limit: int) -> tuple[Suspicion, ...]:
        return await self._engine.read(lambda connection: fired_timers(connection, now, limit))

    async def suspicions_since(self, idp: IdpId, since: float) -> int:
        return await self._engine.read(lambda connection: count_starts(connection, idp, since))

    async def freeze(self, idp: IdpId, until: float) -> None:
        await self._engine.write(lambda connection: freeze_timers(connection, idp, until))

    async def changes(self, after: int) -> tuple[int, tuple[Change, ...]]:
        return await self._engine.read(lambda connection: changes_after(connection, after))

    async def latest_change(self) -> int:
        return await self._engine.read(newest_change)

    async def ping(self) -> None:
        """Raises Unavailable unless the file can be read and its write lock taken: a read-only store is no store."""
        await self._engine.read(newest_change)
        await self._engine.write(lambda connection: None)

    async def _select(
        self, condition: str, values: tuple[object, ...], limit: int | None = None
    ) -> tuple[Session, ...]:
        return await self._engine.read(
            lambda connection: select_sessions(connection, self._ring, condition, values, limit=limit)
        )

    async def _number(self, statement: str, values: tuple[object, ...]) -> int:
        row = await self._engine.read(lambda connection: connection.execute(statement, values).fetchone())
        return int(row[0])
