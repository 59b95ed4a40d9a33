"""Writes under a claim: the token decides, not the time; and what opens entries again."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.provisioning.model import AccountId, Entry, EntryState
from proxy.provisioning.outbox import Claim
from proxy.reasons import Reason
from proxy.storage.redis.claims import (
    acknowledge,
    dismiss,
    drop_entry,
    extend_claim,
    held_entry,
    is_held,
    lay_aside,
    open_again,
    put_back,
    write_creating,
)
from proxy.storage.redis.entry_steps import owned
from proxy.storage.redis.entry_writes import entry_numbered, note_statement, write_entry
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.work import Work
from tests.contract.records import NOW, vouched
from tests.contract.redis_indexes import wrong_indexes
from tests.fakes.redis_memory import MemoryRedis

Ending = Callable[[Work, OutboxKeys, Claim], Awaitable[Any]]


async def taken(memory: MemoryRedis, keys: OutboxKeys, name: str = "ada") -> Claim:
    """A claim on a new entry, as the script leaves it."""
    entry = await memory.write(lambda work: note_statement(work, keys, vouched(name, {"a"}), NOW))
    memory.do(("HSET", keys.claim(entry.id), "holder", "h", "until", NOW + 20, "token", 3))
    return Claim(entry=entry, holder="h", token=3, until=NOW + 20)


async def now_held(memory: MemoryRedis, keys: OutboxKeys, entry_id: int = 1) -> Entry:
    kept = await memory.write(lambda work: entry_numbered(work, keys, entry_id))
    return kept.entry  # type: ignore[no-any-return]  # a Kept


async def acknowledged(work: Work, keys: OutboxKeys, claim: Claim) -> Any:
    return await acknowledge(work, keys, claim, NOW)


async def retried(work: Work, keys: OutboxKeys, claim: Claim) -> Any:
    await put_back(work, keys, claim, at=NOW + 60, reason=Reason.APP_TROUBLE, detail="503")


async def held(work: Work, keys: OutboxKeys, claim: Claim) -> Any:
    await lay_aside(work, keys, claim, EntryState.HELD, reason=Reason.GUARD_TRIPPED, detail="")


@pytest.mark.parametrize("end", [acknowledged, retried, held])
async def test_whatever_ends_the_work_gives_the_claim_back_and_keeps_its_token(
    memory: MemoryRedis, keys: OutboxKeys, end: Ending
) -> None:
    claim = await taken(memory, keys)
    await memory.write(lambda work: end(work, keys, claim))
    assert memory.do(("HGETALL", keys.claim(1))) == [b"token", b"3"]
    assert not await memory.write(lambda work: is_held(work, keys, claim))
    assert await wrong_indexes(memory) == []


@pytest.mark.parametrize("lost", [{"token": 2}, {"holder": "somebody"}])
@pytest.mark.parametrize("end", [acknowledged, retried, held, drop_entry])
async def test_without_the_claim_nothing_is_written(
    memory: MemoryRedis, keys: OutboxKeys, end: Ending, lost: dict[str, Any]
) -> None:
    claim = replace(await taken(memory, keys), **lost)
    before = {key: value.copy() if isinstance(value, dict) else value for key, value in memory.data.items()}
    assert await memory.write(lambda work: end(work, keys, claim)) is None
    assert not await memory.write(lambda work: write_creating(work, keys, claim, "ada"))
    assert not await memory.write(lambda work: extend_claim(work, keys, claim, NOW + 99))
    assert await memory.write(lambda work: held_entry(work, keys, claim)) is None
    assert memory.data == before


async def test_an_expired_claim_that_nobody_took_may_still_be_renewed(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    claim = await taken(memory, keys)
    assert await memory.write(lambda work: extend_claim(work, keys, claim, NOW + 60))
    assert memory.do(("HGET", keys.claim(1), "until")) == repr(NOW + 60).encode()


async def test_the_claim_is_guarded_so_that_it_cannot_be_lost_meanwhile(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    claim = await taken(memory, keys)
    work = Work(lambda commands: memory.ask(*commands))
    await acknowledge(work, keys, claim, NOW)
    assert {command[1] for command, _ in work.guards} == {keys.claim(1), keys.entry(1)}


async def test_what_we_set_out_to_create_is_written_and_the_claim_kept(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    claim = await taken(memory, keys)
    assert await memory.write(lambda work: write_creating(work, keys, claim, "ada.l"))
    assert (await now_held(memory, keys)).creating == "ada.l"
    assert await memory.write(lambda work: is_held(work, keys, claim))


async def test_dropping_leaves_nothing_of_an_unbound_entry(memory: MemoryRedis, keys: OutboxKeys) -> None:
    claim = await taken(memory, keys)
    await memory.write(lambda work: drop_entry(work, keys, claim))
    assert {*memory.data} == {keys.ids.encode(), keys.sequence.encode()}


async def test_dropping_a_bound_entry_only_gives_the_claim_back(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    claim = await taken(memory, keys)
    kept = await memory.write(lambda work: entry_numbered(work, keys, 1))

    async def bind(work: Work) -> None:
        write_entry(work, keys, kept, owned(kept, AccountId("7")))

    await memory.write(bind)
    await memory.write(lambda work: drop_entry(work, keys, claim))
    assert (await now_held(memory, keys)).account_id == AccountId("7")
    assert not await memory.write(lambda work: is_held(work, keys, claim))


async def test_only_entries_of_that_state_are_opened(memory: MemoryRedis, keys: OutboxKeys) -> None:
    for name in ("ada", "bob"):
        claim = await taken(memory, keys, name)
    await memory.write(lambda work: acknowledge(work, keys, claim, NOW))
    opened = await memory.write(
        lambda work: open_again(work, keys, (1, 2, 99), EntryState.DONE, NOW + 5, is_bulk=True)
    )
    assert opened == 1
    assert (await now_held(memory, keys, 2)).since == NOW + 5
    assert (await now_held(memory, keys, 1)).since == NOW
    assert await wrong_indexes(memory) == []


async def test_what_is_open_is_not_opened_again(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await taken(memory, keys)
    unit = lambda work: open_again(work, keys, (1,), EntryState.OPEN, NOW + 5, is_bulk=False)  # noqa: E731 -- one line
    assert await memory.write(unit) == 0


@pytest.mark.parametrize("change", [{"version": 2}, {"state": EntryState.HELD}])
async def test_what_is_not_as_it_was_is_not_dismissed(
    memory: MemoryRedis, keys: OutboxKeys, change: dict[str, Any]
) -> None:
    entry = (await taken(memory, keys)).entry
    assert not await memory.write(lambda work: dismiss(work, keys, replace(entry, **change), NOW))
    assert not await memory.write(lambda work: dismiss(work, keys, replace(entry, id=99), NOW))
    assert await memory.write(lambda work: dismiss(work, keys, entry, NOW))
    assert (await now_held(memory, keys)).state is EntryState.DROPPED
