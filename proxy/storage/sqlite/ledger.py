"""`GuardLedger` and `SharedCounters` on SQLite: distinct people within a window, and latches."""

import sqlite3
from typing import Final

from proxy.provisioning.model import AccountId
from proxy.storage.sqlite import seat_rows
from proxy.storage.sqlite.engine import SqliteEngine

COUNTS_KEPT_SECONDS: Final = 86_400.0
"""No window may be longer; the guard's and the creation limit's are an hour."""

_CREATIONS: Final = "creations"


class SqliteLedger:
    """What the guard counts and latches, and how many accounts are being created, across processes."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def count_removal(self, scope: str, person: str, now: float, *, window: float) -> int:
        return await self._engine.write(
            lambda connection: _count_person(connection, f"guard:{scope}", person, now, window)
        )

    async def latch(self, scope: str, now: float) -> bool:
        statement = "INSERT INTO latches (scope, at) VALUES (?, ?) ON CONFLICT DO NOTHING"
        return bool(
            await self._engine.write(lambda connection: connection.execute(statement, (scope, now)).rowcount)
        )

    async def latched(self) -> frozenset[str]:
        rows = await self._engine.read(
            lambda connection: connection.execute("SELECT scope FROM latches").fetchall()
        )
        return frozenset(scope for (scope,) in rows)

    async def unlatch(self, scope: str) -> bool:
        return await self._engine.write(lambda connection: _unlatch(connection, scope))

    async def reserve_creation(self, person: str, now: float, *, window: float) -> int:
        return await self._engine.write(
            lambda connection: _count_person(connection, _CREATIONS, person, now, window)
        )

    async def reserve_seat(self, person: str, limit: int, now: float, *, seconds: float) -> bool:
        return await self._engine.write(
            lambda connection: seat_rows.reserve(connection, person, limit, now=now, until=now + seconds)
        )

    async def release_seat(self, person: str) -> None:
        await self._engine.write(lambda connection: seat_rows.give_back(connection, person))

    async def settle_seat(self, person: str, account: AccountId, now: float) -> None:
        await self._engine.write(lambda connection: seat_rows.settle(connection, person, account, now=now))

    async def vacate_seat(self, account: AccountId) -> None:
        await self._engine.write(lambda connection: seat_rows.vacate(connection, account))

    async def count_seats(self, now: float) -> int:
        return await self._engine.read(lambda connection: seat_rows.count(connection, now))

    async def recount_seats(
        self, accounts: frozenset[AccountId] | None, *, looked_at: float, now: float
    ) -> None:
        await self._engine.write(
            lambda connection: seat_rows.recount(connection, accounts, looked_at=looked_at, now=now)
        )

    async def seats_counted_at(self) -> float | None:
        return await self._engine.read(seat_rows.counted_at)


def trim_counts(connection: sqlite3.Connection, now: float) -> None:
    connection.execute("DELETE FROM counted WHERE at <= ?", (now - COUNTS_KEPT_SECONDS,))


def _count_person(connection: sqlite3.Connection, scope: str, person: str, now: float, window: float) -> int:
    """How many distinct people the window holds, this one included. Somebody in it already keeps their first time."""
    connection.execute(
        "INSERT INTO counted (scope, person, at) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET at = excluded.at WHERE at <= ?",
        (scope, person, now, now - window),
    )
    row = connection.execute(
        "SELECT count(*) FROM counted WHERE scope = ? AND at > ?", (scope, now - window)
    ).fetchone()
    return int(row[0])


def _unlatch(connection: sqlite3.Connection, scope: str) -> bool:
    """An operator's release starts the count anew; else the next removal would latch again at once."""
    connection.execute("DELETE FROM counted WHERE scope = ?", (f"guard:{scope}",))
    return bool(connection.execute("DELETE FROM latches WHERE scope = ?", (scope,)).rowcount)
