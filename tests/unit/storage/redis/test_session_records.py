"""What is written together with a session goes together with it."""

from dataclasses import replace

from proxy.session.codec import KeyRing, SealingKey, sid_hash
from proxy.session.model import Pending, SessionKey
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.session_leases import grant_lease
from proxy.storage.redis.session_records import (
    About,
    delete_sessions,
    insert_session,
    key_score,
    read_held,
    seal_again,
    update_session,
    write_account,
)
from proxy.storage.redis.work import Work
from tests.contract.records import CORP, NOW, next_version, session

HELD = replace(session(), idp_session="s1")


async def insert(engine: RedisEngine, ring: KeyRing) -> None:
    await engine.write(lambda work: insert_session(work, engine.keys, ring, HELD))


async def names(engine: RedisEngine) -> set[str]:
    """All keys of the installation, without the prefix."""
    cursor, found = b"0", set()
    while True:
        (reply,) = await engine.ask(("SCAN", cursor, "MATCH", engine.keys.name("*"), "COUNT", 1000))
        cursor, page = reply
        found |= {one.decode().partition(":")[2] for one in page}
        if cursor == b"0":
            return found


async def test_an_ended_session_leaves_nothing_but_the_news(engine: RedisEngine, ring: KeyRing) -> None:
    await insert(engine, ring)
    assert len(await names(engine)) == 8
    assert await engine.write(lambda work: delete_sessions(work, engine.keys, [HELD.key, HELD.key])) == (
        HELD.key,
    )
    assert await names(engine) == {"changes"}
    (news,) = await engine.ask(("ZCARD", engine.keys.changes))
    assert news == 1


async def test_a_session_whose_seal_does_not_open_can_be_ended(engine: RedisEngine, ring: KeyRing) -> None:
    """Whose it is stands in the open: removing a person must not depend on a key."""
    await insert(engine, ring)

    async def spoil(work: Work) -> None:
        work.do("HSET", engine.keys.session(HELD.key), "sealed", b"nothing")

    await engine.write(spoil)
    await engine.write(lambda work: delete_sessions(work, engine.keys, [HELD.key]))
    assert await names(engine) == {"changes"}


async def test_a_session_that_its_idp_names_anew_moves_to_that_name(
    engine: RedisEngine, ring: KeyRing
) -> None:
    await insert(engine, ring)
    lease = await engine.write(
        lambda work: grant_lease(work, engine.keys, HELD.key, holder="a", now=NOW, until=NOW + 9)
    )
    assert lease is not None
    after = replace(next_version(HELD), idp_session="s2")
    assert await engine.write(lambda work: update_session(work, engine.keys, ring, after, lease))
    old, new = (engine.keys.sid(CORP, sid_hash(sid)) for sid in ("s1", "s2"))
    assert await engine.ask(("SMEMBERS", old), ("SMEMBERS", new)) == [[], [HELD.key.encode()]]


async def test_two_writes_about_one_person_never_undo_each_other(engine: RedisEngine, ring: KeyRing) -> None:
    """A session that begins while the account state is written gets it, or is written after it: both is found."""
    await insert(engine, ring)
    late = session("late")
    runs = 0

    async def unit(work: Work) -> None:
        nonlocal runs
        runs += 1
        await write_account(work, engine.keys, ring, HELD.subject, Pending())
        if runs == 1:
            await engine.write(lambda other: insert_session(other, engine.keys, ring, late))

    await engine.write(unit)
    held = await engine.write(lambda work: read_held(work, engine.keys, [HELD.key, late.key]))
    assert runs == 2
    assert [one.version for one in held] == [2, 2]


async def test_sealing_again_moves_the_record_to_the_first_key(engine: RedisEngine, ring: KeyRing) -> None:
    await insert(engine, ring)
    newer = KeyRing(keys=(SealingKey(secret=b"n" * 32), *ring.keys))
    unknown = SessionKey("unknown")
    for expected in (1, 0):
        count = await engine.write(lambda work: seal_again(work, engine.keys, newer, [HELD.key, unknown]))
        assert count == expected
    (score,) = await engine.ask(("ZSCORE", engine.keys.sealed, HELD.key))
    assert int(score) == key_score(newer.keys[0].id)


def test_whose_a_session_is_reads_back() -> None:
    for about in (About.of(HELD), About.of(session())):
        assert About.parse(about.text().encode()) == about
    assert "s1" not in About.of(HELD).text().replace(HELD.key, "")
