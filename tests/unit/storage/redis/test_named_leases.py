"""Named leases in keys: the fence outlives the lease, and only its holder of that fence may touch it."""

from dataclasses import replace

import pytest

from proxy.provisioning.leases import NamedLease
from proxy.storage.redis.named_leases import RedisLeases
from proxy.storage.redis.outbox_keys import OutboxKeys
from tests.contract.records import NOW
from tests.fakes.redis_memory import MemoryRedis


async def granted(memory: MemoryRedis, holder: str = "a", now: float = NOW) -> NamedLease:
    lease = await RedisLeases(memory).acquire("sweep", holder=holder, now=now, seconds=30)
    assert lease is not None
    return lease


async def test_every_grant_has_the_next_fence_though_the_last_was_given_back(memory: MemoryRedis) -> None:
    first = await granted(memory)
    await RedisLeases(memory).release(first)
    assert (await granted(memory)).fence == first.fence + 1


async def test_only_the_fence_is_left_of_a_lease_given_back(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await RedisLeases(memory).release(await granted(memory))
    assert memory.do(("HGETALL", keys.lease("sweep"))) == [b"fence", b"1"]


@pytest.mark.parametrize("change", [{"fence": 7}, {"holder": "b"}, {"name": "other"}])
async def test_a_lease_of_another_is_neither_renewed_nor_given_back(
    memory: MemoryRedis, keys: OutboxKeys, change: dict[str, object]
) -> None:
    lease = await granted(memory)
    wrong = replace(lease, **change)  # type: ignore[arg-type]  # named as in NamedLease
    before = memory.do(("HGETALL", keys.lease("sweep")))
    assert await RedisLeases(memory).renew(wrong, now=NOW, seconds=99) is None
    await RedisLeases(memory).release(wrong)
    assert memory.do(("HGETALL", keys.lease("sweep"))) == before


async def test_one_that_ran_out_and_that_nobody_took_may_still_be_renewed(memory: MemoryRedis) -> None:
    lease = await granted(memory)
    assert await RedisLeases(memory).renew(lease, now=NOW + 60, seconds=30) == replace(lease, until=NOW + 90)
