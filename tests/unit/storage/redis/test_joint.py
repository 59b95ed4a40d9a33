"""Statement and session are one unit of work: what guards one guards the other."""

from proxy.session.codec import KeyRing
from proxy.storage.redis.joint import RedisJoint
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.sessions import RedisSessions
from tests.contract.records import NOW, key, next_version, session, subject, vouched
from tests.contract.redis_indexes import wrong_indexes
from tests.fakes.redis_memory import MemoryRedis


async def test_a_sign_in_is_one_write_of_both(memory: MemoryRedis, keys: OutboxKeys, ring: KeyRing) -> None:
    await RedisJoint(memory, ring).note_and_create(vouched(), session(), replaces=None, now=NOW)
    assert memory.written == 1
    assert memory.do(("GET", keys.asking(subject()))) == b"1"
    assert memory.do(("HGET", keys.session(key("one")), "version")) is not None
    assert await wrong_indexes(memory) == []


async def test_without_the_lease_nothing_of_either_is_written(
    memory: MemoryRedis, keys: OutboxKeys, ring: KeyRing
) -> None:
    sessions, joint = RedisSessions(memory, ring), RedisJoint(memory, ring)
    await sessions.create(session())
    lease = await sessions.acquire(key("one"), holder="a", now=NOW, seconds=30)
    assert lease is not None
    await sessions.release(lease)
    before = {*memory.data}
    written = memory.written
    assert await joint.note_and_save(vouched(), next_version(session()), lease=lease, now=NOW) is None
    assert ({*memory.data}, memory.written) == (before, written)
