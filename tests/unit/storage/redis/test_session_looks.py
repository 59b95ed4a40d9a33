"""Looking for sessions, where there are more than a page, and where indexes lead to nothing."""

from dataclasses import replace

import pytest

from proxy.session.codec import KeyRing, SealingKey
from proxy.session.model import SessionKey
from proxy.storage.redis import session_looks
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.session_looks import (
    count_unreadable,
    due_sessions,
    load_sessions,
    sealed_under,
    sessions_before,
    sessions_of,
    unreadable,
)
from proxy.storage.redis.session_records import insert_session
from proxy.storage.redis.work import Work
from tests.contract.records import NOW, key, session, subject

NAMES = tuple(f"s{number}" for number in range(7))


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_looks, "PAGE", 3)


async def fill(engine: RedisEngine, ring: KeyRing, *names: str) -> None:
    async def unit(work: Work) -> None:
        for number, name in enumerate(names):
            one = replace(
                session(name), created_at=NOW + number, last_seen_at=NOW + number, due_at=NOW + number
            )
            await insert_session(work, engine.keys, ring, one)

    await engine.write(unit)


async def test_pages_are_read_until_enough_is_found(engine: RedisEngine, ring: KeyRing) -> None:
    await fill(engine, ring, *NAMES)
    for limit in (1, 3, 4, 7, 100):
        found = await sessions_before(engine, ring, engine.keys.created, NOW + 7, limit)
        assert [one.key for one in found] == [*map(key, NAMES[:limit])]
    due = await due_sessions(engine, before=NOW + 7, seen_since=NOW + 4, now=NOW + 9, limit=100)
    assert due == tuple(map(key, NAMES[4:]))
    assert len(await load_sessions(engine, ring, [*map(key, NAMES), key("unknown")])) == 7
    assert [one.key for one in await sessions_of(engine, ring, subject())] == [*map(key, NAMES)]


async def test_an_index_that_leads_to_nothing_is_passed_over(engine: RedisEngine, ring: KeyRing) -> None:
    async def unit(work: Work) -> None:
        for index in (engine.keys.created, engine.keys.due, engine.keys.seen):
            work.do("ZADD", index, 1.0, "gone")
        work.do("SADD", engine.keys.person(subject()), "gone")

    await engine.write(unit)
    assert await sessions_before(engine, ring, engine.keys.created, NOW, 10) == ()
    assert await due_sessions(engine, before=NOW, seen_since=0, now=NOW, limit=10) == ()
    assert await sessions_of(engine, ring, subject()) == ()


async def test_records_are_found_by_the_key_that_seals_them(engine: RedisEngine, ring: KeyRing) -> None:
    await fill(engine, ring, *NAMES)
    ours = ring.keys[0].id
    assert len(await sealed_under(engine, ours, start=0, limit=100)) == 7
    assert len(await sealed_under(engine, ours, start=5, limit=100)) == 2
    assert await sealed_under(engine, b"none", start=0, limit=100) == []


async def test_what_no_key_of_the_ring_opens_is_counted_and_found(engine: RedisEngine, ring: KeyRing) -> None:
    for number in range(9):
        others = tuple(SealingKey(secret=bytes([number, other]) * 16) for other in range(4))
        await fill(engine, KeyRing(keys=others[:1]), f"lost-{number}")
        assert await count_unreadable(engine, KeyRing(keys=others)) == number
    await fill(engine, ring, "ours")
    assert await count_unreadable(engine, ring) == 9
    assert await unreadable(engine, ring, NOW) == []
    found = set(await unreadable(engine, ring, NOW + 1))
    assert found
    assert SessionKey(key("ours")) not in found
