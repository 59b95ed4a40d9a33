"""Everything Muster keeps, on one SQLite file. Any number of processes may have it open: the server, and commands beside it.

engine.py     how a call runs: one thread writes, one reads, every call is bounded
*_rows.py     plain functions of a connection; a transaction is made of them
sessions.py · outbox.py · bindings.py · ledger.py · named_leases.py · joint.py · rulings.py · audit.py     one port each
"""

import sqlite3
from pathlib import Path
from typing import Final

from proxy.session.codec import KeyRing
from proxy.storage.sqlite.audit import SqliteAudit
from proxy.storage.sqlite.bindings import SqliteBindings
from proxy.storage.sqlite.change_rows import trim_changes
from proxy.storage.sqlite.engine import DEFAULT_TIMEOUT, SqliteEngine
from proxy.storage.sqlite.joint import SqliteJoint
from proxy.storage.sqlite.ledger import SqliteLedger, trim_counts
from proxy.storage.sqlite.named_leases import SqliteLeases
from proxy.storage.sqlite.outbox import SqliteOutbox
from proxy.storage.sqlite.rulings import SqliteRulings
from proxy.storage.sqlite.session_rows import count_unreadable, delete_unreadable
from proxy.storage.sqlite.sessions import SqliteSessions
from proxy.storage.sqlite.suspicion_rows import trim_timers

UNREADABLE_KEPT_SECONDS: Final = 30 * 86_400.0


class SqliteStore:
    """The ports of one database file."""

    def __init__(self, engine: SqliteEngine, ring: KeyRing) -> None:
        self._engine = engine
        self._ring = ring
        self.sessions = SqliteSessions(engine, ring)
        self.outbox = SqliteOutbox(engine)
        self.bindings = SqliteBindings(engine)
        self.ledger = SqliteLedger(engine)
        self.leases = SqliteLeases(engine)
        self.joint = SqliteJoint(engine, ring)
        self.rulings = SqliteRulings(engine)
        self.audit = SqliteAudit(engine)

    async def clean(self, now: float) -> None:
        """Forget what time has made meaningless; to be called every minute or so. Sessions are ended by their keeper.

        Expired leases and claims need no cleaning: they stand in the row of what they are about.
        """

        def transaction(connection: sqlite3.Connection) -> None:
            trim_changes(connection, now)
            trim_timers(connection, now)
            trim_counts(connection, now)
            connection.execute("DELETE FROM attempts WHERE until <= ?", (now,))
            delete_unreadable(connection, self._ring, now - UNREADABLE_KEPT_SECONDS)

        await self._engine.write(transaction)

    async def count_unreadable(self) -> int:
        """Sessions sealed under keys that the ring does not hold: people who will have to sign in again."""
        return await self._engine.read(lambda connection: count_unreadable(connection, self._ring))

    async def close(self) -> None:
        """Finish what waits and close the file; later calls raise Unavailable."""
        await self._engine.close()


def open_store(path: Path, ring: KeyRing, *, timeout: float = DEFAULT_TIMEOUT) -> SqliteStore:
    """The store, its file made or migrated when needed. `timeout` in seconds bounds every call. Raises SettingsError."""
    return SqliteStore(SqliteEngine(path, timeout=timeout), ring)
