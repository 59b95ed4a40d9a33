"""`NamedLeases` on SQLite: one row a name; one update grants it."""

import sqlite3
from dataclasses import replace

from proxy.provisioning.leases import NamedLease
from proxy.storage.sqlite.engine import SqliteEngine


class SqliteLeases:
    """Leases by name, across processes."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def acquire(self, name: str, *, holder: str, now: float, seconds: float) -> NamedLease | None:
        return await self._engine.write(
            lambda connection: _grant(connection, name, holder=holder, now=now, until=now + seconds)
        )

    async def renew(self, lease: NamedLease, *, now: float, seconds: float) -> NamedLease | None:
        later = replace(lease, until=now + seconds)
        is_ours = await self._engine.write(lambda connection: _set_until(connection, later))
        return later if is_ours else None

    async def release(self, lease: NamedLease) -> None:
        """The fence stays: the next grant is told from this one."""
        await self._engine.write(lambda connection: _set_until(connection, replace(lease, until=0.0)))


def _grant(
    connection: sqlite3.Connection, name: str, *, holder: str, now: float, until: float
) -> NamedLease | None:
    row = connection.execute(
        "INSERT INTO named_leases (name, holder, fence, leased_until) VALUES (?, ?, 1, ?)"
        " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = fence + 1,"
        " leased_until = excluded.leased_until WHERE leased_until <= ? RETURNING fence",
        (name, holder, until, now),
    ).fetchone()
    return None if row is None else NamedLease(name=name, holder=holder, fence=row[0], until=until)


def _set_until(connection: sqlite3.Connection, lease: NamedLease) -> bool:
    done = connection.execute(
        "UPDATE named_leases SET leased_until = ?"
        " WHERE name = ? AND holder = ? AND fence = ? AND leased_until > 0",
        (lease.until, lease.name, lease.holder, lease.fence),
    )
    return bool(done.rowcount)
