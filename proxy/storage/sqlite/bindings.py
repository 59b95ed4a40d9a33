"""`Bindings` on SQLite."""

from proxy.groups.rules import AppGroupName
from proxy.identity import Subject
from proxy.provisioning.model import AccountId, Binding
from proxy.provisioning.outbox import IdleBinding
from proxy.storage.sqlite.binding_rows import (
    delete_binding,
    replace_memberships,
    rewrite_binding,
    select_bindings,
    select_idle,
    select_memberships,
)
from proxy.storage.sqlite.engine import SqliteEngine


class SqliteBindings:
    """Who is bound to which account, and which linked groups that account is in."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def binding_of(self, subject: Subject) -> Binding | None:
        found = await self._select("issuer = ? AND subject = ?", (subject.issuer, subject.subject))
        return found[0] if found else None

    async def bindings_of_account(self, account: AccountId) -> tuple[Binding, ...]:
        return await self._select("account_id = ? ORDER BY issuer, subject", (account,))

    async def update_binding(self, binding: Binding) -> None:
        await self._engine.write(lambda connection: rewrite_binding(connection, binding))

    async def unbind(self, subject: Subject) -> None:
        await self._engine.write(lambda connection: delete_binding(connection, subject))

    async def all_bindings(self) -> tuple[Binding, ...]:
        return await self._select("TRUE ORDER BY issuer, subject", ())

    async def idle(self, *, before: float, after: Subject | None, limit: int) -> tuple[IdleBinding, ...]:
        return await self._engine.read(lambda connection: select_idle(connection, before, after, limit))

    async def count_members(self) -> int:
        return await self._number("SELECT count(*) FROM bindings WHERE NOT is_blocked", ())

    async def set_memberships(self, account: AccountId, groups: frozenset[AppGroupName]) -> None:
        await self._engine.write(lambda connection: replace_memberships(connection, account, groups))

    async def memberships(self, account: AccountId) -> frozenset[AppGroupName]:
        return await self._engine.read(lambda connection: select_memberships(connection, account))

    async def count_in_group(self, group: AppGroupName) -> int:
        return await self._number("SELECT count(*) FROM memberships WHERE app_group = ?", (group,))

    async def _select(self, condition: str, values: tuple[object, ...]) -> tuple[Binding, ...]:
        return await self._engine.read(lambda connection: select_bindings(connection, condition, values))

    async def _number(self, statement: str, values: tuple[object, ...]) -> int:
        row = await self._engine.read(lambda connection: connection.execute(statement, values).fetchone())
        return int(row[0])
