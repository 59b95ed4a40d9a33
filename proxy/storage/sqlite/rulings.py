"""`Rulings` on SQLite."""

import sqlite3

from proxy.groups.rules import AppGroupName, Link
from proxy.groups.stored import Origin, Ruled
from proxy.provisioning.model import AccountId, Statement
from proxy.storage.sqlite.engine import SqliteEngine
from proxy.storage.sqlite.ruling_rows import (
    delete_denial,
    delete_link,
    read_ruled,
    version_of_rulings,
    write_denial,
    write_link,
    write_switch,
)
from proxy.storage.statements import statements_from_text, statements_to_text


class SqliteRulings:
    """What operators ruled at run time."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def version(self) -> int:
        return await self._engine.read(version_of_rulings)

    async def ruled(self) -> Ruled:
        return await self._engine.read(read_ruled)

    async def put_link(self, link: Link, origin: Origin) -> None:
        await self._engine.write(lambda connection: write_link(connection, link, origin))

    async def remove_link(self, group: AppGroupName) -> bool:
        return await self._engine.write(lambda connection: delete_link(connection, group))

    async def deny(self, who: str, origin: Origin) -> bool:
        return await self._engine.write(lambda connection: write_denial(connection, who, origin))

    async def undeny(self, who: str) -> bool:
        return await self._engine.write(lambda connection: delete_denial(connection, who))

    async def switch_provisioning(self, is_on: bool, origin: Origin) -> bool:
        return await self._engine.write(lambda connection: write_switch(connection, is_on, origin))

    async def carried(self) -> int:
        row = await self._engine.read(
            lambda connection: connection.execute("SELECT carried FROM rulings").fetchone()
        )
        return int(row[0])

    async def mark_carried(self, version: int) -> None:
        """A replica that is behind does not take back what another wrote."""
        statement = "UPDATE rulings SET carried = max(carried, ?)"
        await self._engine.write(lambda connection: _run(connection, statement, (version,)))

    async def keep_statements(
        self, account: AccountId, statements: tuple[Statement, ...], origin: Origin
    ) -> None:
        statement = (
            "INSERT OR REPLACE INTO kept (account_id, statements, ruled_by, ruled_at) VALUES (?, ?, ?, ?)"
        )
        values = (account, statements_to_text(statements), origin.by, origin.at)
        await self._engine.write(lambda connection: _run(connection, statement, values))

    async def kept_statements(self, account: AccountId) -> tuple[Statement, ...]:
        statement = "SELECT statements FROM kept WHERE account_id = ?"
        row = await self._engine.read(lambda connection: connection.execute(statement, (account,)).fetchone())
        return () if row is None else statements_from_text(row[0])

    async def drop_statements(self, account: AccountId) -> None:
        statement = "DELETE FROM kept WHERE account_id = ?"
        await self._engine.write(lambda connection: _run(connection, statement, (account,)))


def _run(connection: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> None:
    connection.execute(statement, values)
