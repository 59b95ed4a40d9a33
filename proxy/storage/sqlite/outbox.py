"""`Outbox` on SQLite. Its theory stands in `proxy/provisioning/outbox.py`."""

import json
import sqlite3
from collections.abc import Iterable

from proxy.identity import IdpId, Subject
from proxy.provisioning.model import Binding, Entry, EntryState, Statement
from proxy.provisioning.outbox import Claim, OutboxFigures
from proxy.reasons import Reason
from proxy.storage.sqlite.binding_rows import bind_claimed
from proxy.storage.sqlite.claim_rows import (
    acknowledge,
    delete_entry,
    dismiss_entry,
    extend_claim,
    lay_aside,
    open_again,
    open_named,
    put_back,
    take_claim,
    write_creating,
)
from proxy.storage.sqlite.engine import SqliteEngine
from proxy.storage.sqlite.entry_rows import count_not_stated, entry_of_subject, note_statement, select_entries


class SqliteOutbox:
    """Entries, claims and acknowledgements."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def note(self, statement: Statement, now: float) -> Entry:
        return await self._engine.write(lambda connection: note_statement(connection, statement, now))

    async def entry_of(self, subject: Subject) -> Entry | None:
        return await self._engine.read(lambda connection: entry_of_subject(connection, subject))

    async def claim(
        self, *, holder: str, now: float, seconds: float, entry_id: int | None = None
    ) -> Claim | None:
        return await self._engine.write(
            lambda connection: take_claim(
                connection, holder=holder, now=now, until=now + seconds, entry_id=entry_id
            )
        )

    async def renew_claim(self, claim: Claim, *, now: float, seconds: float) -> Claim | None:
        return await self._engine.write(
            lambda connection: extend_claim(connection, claim, until=now + seconds)
        )

    async def set_creating(self, claim: Claim, login: str) -> bool:
        return await self._engine.write(lambda connection: write_creating(connection, claim, login))

    async def bind(self, claim: Claim, binding: Binding) -> Claim | None:
        return await self._engine.write(lambda connection: bind_claimed(connection, claim, binding))

    async def ack(self, claim: Claim, *, now: float) -> Entry | None:
        return await self._engine.write(lambda connection: acknowledge(connection, claim, now))

    async def retry(self, claim: Claim, *, at: float, reason: Reason, detail: str) -> None:
        await self._engine.write(
            lambda connection: put_back(connection, claim, at=at, reason=reason, detail=detail)
        )

    async def set_aside(self, claim: Claim, state: EntryState, *, reason: Reason, detail: str) -> None:
        if state not in (EntryState.PARKED, EntryState.HELD):
            raise ValueError("an entry is set aside as parked or held")
        await self._engine.write(
            lambda connection: lay_aside(connection, claim, state, reason=reason, detail=detail)
        )

    async def drop(self, claim: Claim) -> None:
        await self._engine.write(lambda connection: delete_entry(connection, claim))

    async def reopen(self, entry_id: int | None, state: EntryState, now: float) -> int:
        return await self._engine.write(lambda connection: open_again(connection, entry_id, state, now))

    async def dismiss(self, entry: Entry, now: float) -> bool:
        return await self._engine.write(lambda connection: dismiss_entry(connection, entry, now))

    async def entries(self, state: EntryState | None, limit: int) -> tuple[Entry, ...]:
        wanted = state and state.value
        return await self._engine.read(
            lambda connection: select_entries(
                connection, "? IS NULL OR state = ? ORDER BY since, id LIMIT ?", (wanted, wanted, limit)
            )
        )

    async def entries_after(self, entry_id: int, limit: int) -> tuple[Entry, ...]:
        return await self._engine.read(
            lambda connection: select_entries(connection, "id > ? ORDER BY id LIMIT ?", (entry_id, limit))
        )

    async def entries_named(self, entry_ids: Iterable[int]) -> tuple[Entry, ...]:
        names = json.dumps([*entry_ids])
        return await self._engine.read(
            lambda connection: select_entries(
                connection, "id IN (SELECT value FROM json_each(?)) ORDER BY id", (names,)
            )
        )

    async def reopen_named(self, entry_ids: Iterable[int], now: float) -> int:
        names = (*entry_ids,)
        return await self._engine.write(lambda connection: open_named(connection, names, now))

    async def not_stated_before(self, before: float) -> dict[IdpId, int]:
        return await self._engine.read(lambda connection: count_not_stated(connection, before))

    async def figures(self, now: float) -> OutboxFigures:
        return await self._engine.read(lambda connection: _figures(connection, now))


def _figures(connection: sqlite3.Connection, now: float) -> OutboxFigures:
    rows = connection.execute("SELECT state, count(*), min(since) FROM entries GROUP BY state").fetchall()
    counts = {state: number for state, number, _ in rows}
    oldest = min((since for state, _, since in rows if state == "open"), default=now)
    return OutboxFigures(
        open=counts.get("open", 0),
        parked=counts.get("parked", 0),
        held=counts.get("held", 0),
        oldest_open_age=max(0.0, now - oldest),
    )
