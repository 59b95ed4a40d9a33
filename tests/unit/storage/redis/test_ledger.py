"""Counts in keys: once a person and window, forgotten by the server some day, and guarded so that none is counted twice."""

from proxy.storage.redis.ledger import COUNTS_KEPT_SECONDS, RedisLedger
from proxy.storage.redis.outbox_keys import OutboxKeys
from tests.contract.records import NOW
from tests.fakes.redis_memory import MemoryRedis

HOUR = 3600.0


async def test_counts_older_than_any_window_are_taken_out(memory: MemoryRedis, keys: OutboxKeys) -> None:
    ledger = RedisLedger(memory)
    for person, at in (
        ("ada", NOW),
        ("bob", NOW + COUNTS_KEPT_SECONDS - 1),
        ("eve", NOW + COUNTS_KEPT_SECONDS),
    ):
        await ledger.count_removal("idp:corp", person, at, window=HOUR)
    assert memory.do(("ZRANGE", keys.counted("guard:idp:corp"), 0, -1)) == [b"bob", b"eve"]


async def test_who_is_counted_already_keeps_their_first_time(memory: MemoryRedis, keys: OutboxKeys) -> None:
    ledger = RedisLedger(memory)
    assert await ledger.reserve_creation("ada", NOW, window=HOUR) == 1
    assert await ledger.reserve_creation("ada", NOW + 9, window=HOUR) == 1
    assert memory.do(("ZSCORE", keys.counted("creations"), "ada")) == repr(NOW).encode()


async def test_a_scope_called_creations_is_another_than_the_creations(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    ledger = RedisLedger(memory)
    await ledger.count_removal("creations", "ada", NOW, window=HOUR)
    assert await ledger.reserve_creation("bob", NOW, window=HOUR) == 1


async def test_a_latch_keeps_the_time_when_it_fell(memory: MemoryRedis, keys: OutboxKeys) -> None:
    ledger = RedisLedger(memory)
    assert await ledger.latch("idp:corp", NOW)
    assert not await ledger.latch("idp:corp", NOW + 5)
    assert memory.do(("HGET", keys.latches, "idp:corp")) == repr(NOW).encode()


async def test_a_release_of_what_is_not_latched_says_so(memory: MemoryRedis) -> None:
    assert not await RedisLedger(memory).unlatch("idp:corp")
