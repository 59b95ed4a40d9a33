"""Leases in the session's hash: the fence outlives them."""

from proxy.session.codec import KeyRing
from proxy.session.store import Lease
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.session_leases import drop_lease, extend_lease, grant_lease
from proxy.storage.redis.session_records import insert_session
from tests.contract.records import NOW, session

HELD = session()


async def grant(engine: RedisEngine, holder: str = "a", now: float = NOW) -> Lease | None:
    return await engine.write(
        lambda work: grant_lease(work, engine.keys, HELD.key, holder=holder, now=now, until=now + 30)
    )


async def test_a_lease_given_back_leaves_its_fence(engine: RedisEngine, ring: KeyRing) -> None:
    await engine.write(lambda work: insert_session(work, engine.keys, ring, HELD))
    first = await grant(engine)
    assert first is not None
    await engine.write(lambda work: drop_lease(work, engine.keys, first))
    second = await grant(engine, "b")
    assert second is not None
    assert (second.holder, second.fence) == ("b", first.fence + 1)
    assert await engine.write(lambda work: extend_lease(work, engine.keys, first, until=NOW + 99)) is None
    extended = await engine.write(lambda work: extend_lease(work, engine.keys, second, until=NOW + 99))
    assert extended is not None
    assert extended.until == NOW + 99


async def test_no_session_no_lease_and_no_trace(engine: RedisEngine) -> None:
    assert await grant(engine) is None
    assert await engine.ask(("EXISTS", engine.keys.session(HELD.key))) == [0]
