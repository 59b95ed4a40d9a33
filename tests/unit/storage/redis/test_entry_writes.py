"""Entries in keys: found by whom they are about, and never without, or beside, what points to them."""

import asyncio
from dataclasses import replace

from proxy.identity import NOT_STATED
from proxy.provisioning.model import AccountId, Entry, EntryState, Statement
from proxy.storage.redis import entry_steps
from proxy.storage.redis.entry_steps import Kept
from proxy.storage.redis.entry_writes import (
    binding_in,
    delete_entry,
    entry_numbered,
    entry_of_subject,
    note_statement,
    write_entry,
)
from proxy.storage.redis.outbox_keys import OutboxKeys, member
from proxy.storage.redis.work import Work
from tests.contract.records import NOW, PARTNER, removed, subject, vouched
from tests.contract.redis_indexes import wrong_indexes
from tests.fakes.redis_memory import MemoryRedis


async def noted(memory: MemoryRedis, keys: OutboxKeys, statement: Statement, now: float = NOW) -> Entry:
    entry: Entry = await memory.write(lambda work: note_statement(work, keys, statement, now))
    return entry


async def held(memory: MemoryRedis, keys: OutboxKeys, entry_id: int = 1) -> Kept:
    kept: Kept = await memory.write(lambda work: entry_numbered(work, keys, entry_id))
    return kept


async def rewritten(memory: MemoryRedis, keys: OutboxKeys, after: Kept) -> None:
    before = await held(memory, keys, after.entry.id)

    async def unit(work: Work) -> None:
        write_entry(work, keys, before, after)

    await memory.write(unit)


async def test_a_first_statement_makes_an_entry_that_its_subject_finds(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    entry = await noted(memory, keys, vouched(groups={"a"}))
    found = await memory.write(lambda work: entry_of_subject(work, keys, subject()))
    assert (found.entry, found.asking, entry.id) == (entry, subject(), 1)
    assert await memory.write(lambda work: entry_of_subject(work, keys, subject("bob"))) is None
    assert await wrong_indexes(memory) == []


async def test_the_id_that_was_given_out_is_forgotten_once_the_entry_is_written(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    await noted(memory, keys, vouched())
    assert keys.coming(keys.asking(subject())).encode() not in memory.data


async def test_all_who_race_for_a_newcomers_entry_are_given_one_id(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    units = [Work(lambda commands: memory.ask(*commands)) for _ in range(5)]
    entries = await asyncio.gather(*(note_statement(work, keys, vouched(), NOW) for work in units))
    assert {entry.id for entry in entries} == {1}


async def test_every_statement_has_a_number_of_its_own(memory: MemoryRedis, keys: OutboxKeys) -> None:
    numbers = [(await noted(memory, keys, vouched(name))).statements[0].seq for name in ("ada", "bob", "eve")]
    assert numbers == [1, 2, 3]


async def test_an_older_statement_writes_nothing(memory: MemoryRedis, keys: OutboxKeys) -> None:
    entry = await noted(memory, keys, vouched(groups={"a"}))
    before = {key: value for key, value in memory.data.items() if key != keys.sequence.encode()}
    assert await noted(memory, keys, vouched(groups={"b"}, at=NOW - 1)) == entry
    assert {key: value for key, value in memory.data.items() if key != keys.sequence.encode()} == before


async def test_an_entry_stands_in_one_state_and_one_queue(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await noted(memory, keys, vouched(groups={"a"}))
    kept = await held(memory, keys)
    for state in (*EntryState, EntryState.OPEN):
        kept = replace(kept, entry=replace(kept.entry, state=state), is_bulk=not kept.is_bulk)
        await rewritten(memory, keys, kept)
        assert await wrong_indexes(memory) == []
        assert await held(memory, keys) == kept


async def test_what_waits_is_asked_again_when_it_may_be_tried(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await noted(memory, keys, vouched(groups={"a"}))
    kept = await held(memory, keys)
    await rewritten(memory, keys, replace(kept, entry=replace(kept.entry, next_attempt_at=NOW + 60)))
    assert memory.do(("ZSCORE", keys.later(0), member(1))) == repr(NOW + 60).encode()


async def test_silence_about_groups_is_known_by_source_and_person_and_ends(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    await noted(memory, keys, vouched(groups=NOT_STATED))
    assert memory.do(("ZCOUNT", keys.silent(vouched().source), "-inf", NOW)) == 1
    await noted(memory, keys, vouched(groups=NOT_STATED, at=NOW + 5))
    assert memory.do(("ZCOUNT", keys.silent(vouched().source), "-inf", NOW)) == 1, "since it began"
    await noted(memory, keys, removed(at=NOW + 6))
    assert memory.do(("ZCOUNT", keys.silent(vouched().source), "-inf", "+inf")) == 0
    assert await wrong_indexes(memory) == []


async def test_a_deleted_entry_leaves_nothing_behind(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await noted(memory, keys, vouched("bob", {"a"}))
    before = {*memory.data}
    await noted(memory, keys, vouched(groups=NOT_STATED, idp=PARTNER))
    memory.do(("HSET", keys.claim(2), "holder", "a", "until", NOW, "token", 1))
    kept = await held(memory, keys, 2)

    async def unit(work: Work) -> None:
        delete_entry(work, keys, kept)

    await memory.write(unit)
    assert {*memory.data} - before == {keys.silent_idps.encode()}
    assert await wrong_indexes(memory) == []


async def test_an_accounts_entry_is_deleted_with_its_account_key(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    await noted(memory, keys, vouched(groups={"a"}))
    kept = entry_steps.owned(await held(memory, keys), AccountId("7"))
    memory.do(("SET", keys.owned(AccountId("7")), 1))

    async def unit(work: Work) -> None:
        delete_entry(work, keys, kept)

    await memory.write(unit)
    assert keys.owned(AccountId("7")).encode() not in memory.data


async def test_nobody_is_bound_at_first(memory: MemoryRedis, keys: OutboxKeys) -> None:
    assert await memory.write(lambda work: binding_in(work, keys, subject())) is None


async def test_what_decides_is_guarded(memory: MemoryRedis, keys: OutboxKeys) -> None:
    """Binding, index and record: if one of them changes meanwhile, the unit must run again."""
    await noted(memory, keys, vouched(groups={"a"}))
    work = Work(lambda commands: memory.ask(*commands))
    await note_statement(work, keys, vouched(groups={"b"}, at=NOW + 1), NOW + 1)
    guarded = {command[1] for command, _ in work.guards}
    assert {keys.binding(subject()), keys.asking(subject()), keys.entry(1)} <= guarded
