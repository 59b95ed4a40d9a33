"""`Outbox` on Redis. Its theory stands in `proxy/provisioning/outbox.py`, its keys in `outbox_keys.py`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from proxy.identity import IdpId, Subject
from proxy.provisioning.model import Binding, Entry, EntryState, Statement
from proxy.provisioning.outbox import Claim, OutboxFigures
from proxy.reasons import Reason
from proxy.storage.redis.binding_writes import bind_claimed
from proxy.storage.redis.claim_script import claimed, claiming
from proxy.storage.redis.claims import (
    acknowledge,
    dismiss,
    drop_entry,
    extend_claim,
    lay_aside,
    open_again,
    put_back,
    write_creating,
)
from proxy.storage.redis.connecting import Argument
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.entry_text import kept_from_text
from proxy.storage.redis.entry_writes import entry_of_subject, note_statement
from proxy.storage.redis.outbox_keys import OutboxKeys

AT_ONCE: Final = 200
"""Entries written in one unit of work: nobody else is served by the server meanwhile."""

LISTED_AT_ONCE: Final = 1000
"""Entries of one state that one script reads."""

_LIST: Final = """
local found = {}
for _, key in ipairs(KEYS) do
  for _, id in ipairs(redis.call('ZRANGE', key, unpack(ARGV, 2))) do
    found[#found + 1] = redis.call('GET', ARGV[1] .. id)
  end
end
return found
"""
"""KEYS: sorted sets of ids. ARGV: what entry keys begin with, and which part of each set."""


class RedisOutbox:
    """Entries, claims and acknowledgements."""

    def __init__(self, engine: RedisEngine) -> None:
        self._engine = engine
        self._keys = OutboxKeys(prefix=engine.keys.prefix)

    async def note(self, statement: Statement, now: float) -> Entry:
        return await self._engine.write(lambda work: note_statement(work, self._keys, statement, now))

    async def entry_of(self, subject: Subject) -> Entry | None:
        kept = await self._engine.write(lambda work: entry_of_subject(work, self._keys, subject))
        return None if kept is None else kept.entry

    async def claim(
        self, *, holder: str, now: float, seconds: float, entry_id: int | None = None
    ) -> Claim | None:
        until = now + seconds
        (reply,) = await self._engine.ask(
            claiming(self._keys, holder=holder, now=now, until=until, entry_id=entry_id)
        )
        return claimed(reply, holder=holder, until=until)

    async def renew_claim(self, claim: Claim, *, now: float, seconds: float) -> Claim | None:
        until = now + seconds
        is_ours = await self._engine.write(lambda work: extend_claim(work, self._keys, claim, until))
        return replace(claim, until=until) if is_ours else None

    async def set_creating(self, claim: Claim, login: str) -> bool:
        return await self._engine.write(lambda work: write_creating(work, self._keys, claim, login))

    async def bind(self, claim: Claim, binding: Binding) -> Claim | None:
        return await self._engine.write(lambda work: bind_claimed(work, self._keys, claim, binding))

    async def ack(self, claim: Claim, *, now: float) -> Entry | None:
        return await self._engine.write(lambda work: acknowledge(work, self._keys, claim, now))

    async def retry(self, claim: Claim, *, at: float, reason: Reason, detail: str) -> None:
        await self._engine.write(
            lambda work: put_back(work, self._keys, claim, at=at, reason=reason, detail=detail)
        )

    async def set_aside(self, claim: Claim, state: EntryState, *, reason: Reason, detail: str) -> None:
        if state not in (EntryState.PARKED, EntryState.HELD):
            raise ValueError("an entry is set aside as parked or held")
        await self._engine.write(
            lambda work: lay_aside(work, self._keys, claim, state, reason=reason, detail=detail)
        )

    async def drop(self, claim: Claim) -> None:
        await self._engine.write(lambda work: drop_entry(work, self._keys, claim))

    async def reopen(self, entry_id: int | None, state: EntryState, now: float) -> int:
        if entry_id is not None:
            return await self._open((entry_id,), state, now, is_bulk=False)
        if state is EntryState.OPEN:
            return 0
        (found,) = await self._engine.ask(("ZRANGE", self._keys.state(state), 0, -1))
        return await self._open([int(one) for one in found], state, now, is_bulk=True)

    async def dismiss(self, entry: Entry, now: float) -> bool:
        return await self._engine.write(lambda work: dismiss(work, self._keys, entry, now))

    async def entries(self, state: EntryState | None, limit: int) -> tuple[Entry, ...]:
        keys = [self._keys.state(one) for one in EntryState if state in (None, one)]
        found: dict[int, Entry] = {}
        for begin in range(0, limit, LISTED_AT_ONCE):
            page = await self._listed(keys, begin, min(begin + LISTED_AT_ONCE, limit) - 1)
            found |= {entry.id: entry for entry in page}
            if len(page) < LISTED_AT_ONCE:
                break
        return tuple(sorted(found.values(), key=lambda entry: (entry.since, entry.id))[:limit])

    async def entries_after(self, entry_id: int, limit: int) -> tuple[Entry, ...]:
        behind = (f"({entry_id}", "+inf", "BYSCORE", "LIMIT", 0, limit)
        return tuple(await self._listed([self._keys.entries], *behind))

    async def entries_named(self, entry_ids: Iterable[int]) -> tuple[Entry, ...]:
        return await self._read(sorted({*entry_ids}))

    async def reopen_named(self, entry_ids: Iterable[int], now: float) -> int:
        return await self._open(sorted({*entry_ids}), EntryState.DONE, now, is_bulk=True)

    async def not_stated_before(self, before: float) -> dict[IdpId, int]:
        (found,) = await self._engine.ask(("SMEMBERS", self._keys.silent_idps))
        idps = sorted(IdpId(one.decode()) for one in found)
        counts = await self._engine.ask(*(("ZCOUNT", self._keys.silent(idp), "-inf", before) for idp in idps))
        return {idp: count for idp, count in zip(idps, counts, strict=True) if count}

    async def figures(self, now: float) -> OutboxFigures:
        states = (EntryState.OPEN, EntryState.PARKED, EntryState.HELD)
        *counts, oldest = await self._engine.ask(
            *(("ZCARD", self._keys.state(state)) for state in states),
            ("ZRANGE", self._keys.state(EntryState.OPEN), 0, 0, "WITHSCORES"),
        )
        since = float(oldest[1]) if oldest else now
        return OutboxFigures(
            open=counts[0], parked=counts[1], held=counts[2], oldest_open_age=max(0.0, now - since)
        )

    async def _listed(self, keys: Sequence[str], *which: Argument) -> list[Entry]:
        """The entries whose ids stand there, of one moment: a list that was read before its entries may lack those that came."""
        (texts,) = await self._engine.ask(
            ("EVAL", _LIST, len(keys), *keys, self._keys.name("entry", ""), *which)
        )
        return [kept_from_text(text).entry for text in texts]

    async def _read(self, entry_ids: Sequence[int]) -> tuple[Entry, ...]:
        """Those of them that are there, in the order they were named in."""
        found: list[Entry] = []
        for some in _shares(entry_ids):
            (texts,) = await self._engine.ask(("MGET", *map(self._keys.entry, some)))
            found += [kept_from_text(text).entry for text in texts if text is not None]
        return tuple(found)

    async def _open(self, entry_ids: Sequence[int], state: EntryState, now: float, *, is_bulk: bool) -> int:
        """How many are open now. Done in shares: broken off in the middle, it can be repeated."""
        done = 0
        for some in _shares(entry_ids):
            unit = partial(open_again, keys=self._keys, entry_ids=some, state=state, now=now, is_bulk=is_bulk)
            done += await self._engine.write(unit)
        return done


def _shares(entry_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(entry_ids), AT_ONCE):
        yield entry_ids[begin : begin + AT_ONCE]
