"""Writes that must happen together, in one transaction: a statement and the session it came with."""

import sqlite3

from proxy.provisioning.model import Entry, Statement
from proxy.session.codec import KeyRing
from proxy.session.model import Session, SessionKey
from proxy.session.store import Lease
from proxy.storage.sqlite.engine import SqliteEngine
from proxy.storage.sqlite.entry_rows import note_statement
from proxy.storage.sqlite.sessions import create_session, save_session


class SqliteJoint:
    """Meets the gate's `JointStore`."""

    def __init__(self, engine: SqliteEngine, ring: KeyRing) -> None:
        self._engine = engine
        self._ring = ring

    async def note_and_save(
        self, statement: Statement, session: Session, *, lease: Lease, now: float
    ) -> Entry | None:
        """None, and nothing written, when the lease was lost, the session ended or another write came first."""

        def transaction(connection: sqlite3.Connection) -> Entry | None:
            if not save_session(connection, self._ring, session, lease):
                return None
            return note_statement(connection, statement, now)

        return await self._engine.write(transaction)

    async def note_and_create(
        self, statement: Statement, session: Session, *, replaces: SessionKey | None, now: float
    ) -> Entry:
        def transaction(connection: sqlite3.Connection) -> Entry:
            create_session(connection, self._ring, session, replaces)
            return note_statement(connection, statement, now)

        return await self._engine.write(transaction)
