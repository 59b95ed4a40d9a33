"""What the port's promises do not say: large numbers, and who is active."""

from dataclasses import replace

from proxy.reasons import Reason
from proxy.session.codec import KeyRing
from proxy.session.store import Lease
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.keys import subject_text
from proxy.storage.redis.sessions import AT_ONCE, RedisSessions
from proxy.storage.redis.work import Work
from tests.contract.records import NOW, key, session, subject


async def test_many_sessions_end_at_once(engine: RedisEngine, ring: KeyRing) -> None:
    sessions = RedisSessions(engine, ring)
    names = [f"s{number}" for number in range(AT_ONCE + 20)]
    for name in names:
        await sessions.create(session(name))
    before = await sessions.latest_change()
    await sessions.end(map(key, names), Reason.TOO_OLD, NOW)
    assert await sessions.of_subject(subject()) == ()
    assert len((await sessions.changes(before))[1]) == len(names)


async def test_a_session_in_use_is_a_person_at_work_if_they_are_bound(
    engine: RedisEngine, ring: KeyRing
) -> None:
    sessions = RedisSessions(engine, ring)
    await sessions.create(session("ada's"))
    await sessions.create(session("bob's", "bob"))

    async def bind(work: Work) -> None:
        work.do("ZADD", engine.keys.active, NOW, subject_text(subject()))

    await engine.write(bind)
    await sessions.touch({key("ada's"): NOW + 60, key("bob's"): NOW + 60, key("unknown"): NOW})
    await sessions.touch({key("ada's"): NOW + 30})
    (active,) = await engine.ask(("ZRANGE", engine.keys.active, 0, -1, "WITHSCORES"))
    assert active == [subject_text(subject()).encode(), str(int(NOW + 60)).encode()]


async def test_a_touch_brings_no_ended_session_back(engine: RedisEngine, ring: KeyRing) -> None:
    sessions = RedisSessions(engine, ring)
    await sessions.create(session())
    await sessions.end([key("one")], Reason.SIGNED_OUT, NOW)
    await sessions.touch({key("one"): NOW + 60})
    assert await engine.ask(("EXISTS", engine.keys.seen)) == [0]


async def test_a_save_under_a_lease_of_another_session_reads_and_writes_nothing(
    engine: RedisEngine, ring: KeyRing
) -> None:
    sessions = RedisSessions(engine, ring)
    await sessions.create(session())
    stolen = Lease(key=key("other"), holder="a", fence=1, until=NOW + 30)
    assert not await sessions.save(replace(session(), version=2), lease=stolen)
    assert await sessions.load(key("one")) == session()
