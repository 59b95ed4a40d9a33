"""The outbox's port on keys: many entries are read and written in shares, and what is gone meanwhile is left out."""

import pytest

from proxy.provisioning.model import EntryState
from proxy.provisioning.outbox import Claim
from proxy.reasons import Reason
from proxy.storage.redis import outbox as module
from proxy.storage.redis.outbox import RedisOutbox
from proxy.storage.redis.outbox_keys import OutboxKeys
from tests.contract.records import NOW, subject, vouched
from tests.contract.redis_indexes import wrong_indexes
from tests.fakes.redis_memory import MemoryRedis
from tests.unit.storage.redis.test_claims import taken


@pytest.fixture
async def outbox(memory: MemoryRedis, monkeypatch: pytest.MonkeyPatch) -> RedisOutbox:
    """Seven people's entries, of which three are taken at once."""
    monkeypatch.setattr(module, "AT_ONCE", 3)
    outbox = RedisOutbox(memory)
    for number in range(7):
        await outbox.note(vouched(f"p{number}", {"a"}), NOW + number)
    return outbox


async def test_all_of_a_state_are_opened_share_by_share(memory: MemoryRedis, outbox: RedisOutbox) -> None:
    for entry in await outbox.entries(None, 100):
        assert await outbox.dismiss(entry, NOW + 10)
    assert await outbox.reopen(None, EntryState.DROPPED, NOW + 20) == 7
    assert (await outbox.figures(NOW + 20)).open == 7
    assert await wrong_indexes(memory) == []
    assert await outbox.reopen(None, EntryState.DROPPED, NOW + 30) == 0
    assert await outbox.reopen(None, EntryState.OPEN, NOW + 30) == 0


async def test_more_entries_than_a_share_are_read_in_order(outbox: RedisOutbox) -> None:
    entries = await outbox.entries_after(0, 100)
    assert [entry.id for entry in entries] == [*range(1, 8)]
    assert await outbox.entries_after(0, 2) == entries[:2]
    assert await outbox.entries_after(5, 100) == entries[5:]
    assert await outbox.entries_named([7, 1, 1, 99]) == (entries[0], entries[6])


async def test_an_entry_named_twice_is_opened_once(
    memory: MemoryRedis, keys: OutboxKeys, outbox: RedisOutbox
) -> None:
    entry = await outbox.ack(await taken(memory, keys), now=NOW)
    assert entry is not None
    assert await outbox.reopen_named([entry.id, entry.id], NOW) == 1


async def test_an_entry_that_is_gone_is_left_out_where_it_is_named(
    memory: MemoryRedis, keys: OutboxKeys, outbox: RedisOutbox
) -> None:
    memory.do(("DEL", keys.entry(2)))
    assert [entry.id for entry in await outbox.entries_named([1, 2, 3])] == [1, 3]


async def test_a_long_list_is_read_in_shares_and_names_nobody_twice(
    outbox: RedisOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LISTED_AT_ONCE", 2)
    for limit in (1, 2, 3, 7, 100):
        found = await outbox.entries(EntryState.OPEN, limit)
        assert [entry.id for entry in found] == [*range(1, min(limit, 7) + 1)]


async def test_the_oldest_of_all_states_come_first(outbox: RedisOutbox) -> None:
    (first, second, *_) = await outbox.entries(None, 100)
    await outbox.dismiss(first, NOW + 0.5)
    assert [entry.id for entry in await outbox.entries(None, 2)] == [first.id, second.id]
    assert await outbox.entries(None, 0) == ()


async def test_the_age_of_the_oldest_is_never_below_nothing(outbox: RedisOutbox) -> None:
    assert (await outbox.figures(NOW - 5)).oldest_open_age == 0.0
    assert (await outbox.figures(NOW + 5)).oldest_open_age == 5.0


async def test_nothing_is_set_aside_as_done(outbox: RedisOutbox) -> None:
    entry = await outbox.entry_of(subject("p0"))
    assert entry is not None
    claim = Claim(entry=entry, holder="h", token=1, until=NOW)
    with pytest.raises(ValueError, match="parked or held"):
        await outbox.set_aside(claim, EntryState.DONE, reason=Reason.APP_REFUSED, detail="")
