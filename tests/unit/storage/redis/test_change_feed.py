"""The feed's numbers: gapless, and never mistaken for those of another life of the store."""

from proxy.session.model import SessionKey
from proxy.session.store import Change
from proxy.storage.redis.change_feed import (
    DROP_EVERYTHING,
    announce,
    changes_after,
    newest_change,
    trim_changes,
)
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.work import Work


async def say(engine: RedisEngine, *names: str, has_ended: bool = True) -> int:
    """Announce, and where the feed stands then."""

    async def unit(work: Work) -> None:
        announce(work, engine.keys, [SessionKey(name) for name in names], has_ended=has_ended)

    await engine.write(unit)
    return await newest_change(engine)


async def trim(engine: RedisEngine, now: float) -> None:
    await engine.write(lambda work: trim_changes(work, engine.keys, now))


async def take_back(engine: RedisEngine, count: int) -> None:
    """What a fail-over does to writes that the replica had not got."""
    await engine.write(lambda work: _remove(work, engine.keys.changes, count))


async def _remove(work: Work, feed: str, count: int) -> None:
    work.do("ZREMRANGEBYRANK", feed, -count, -1)


async def test_a_new_feed_is_heard_from_its_beginning(engine: RedisEngine) -> None:
    assert await changes_after(engine, 0) == (0, ())
    newest = await say(engine, "a", "b")
    heard = await changes_after(engine, 0)
    assert heard == (newest, tuple(Change(key=SessionKey(name), has_ended=True) for name in "ab"))


async def test_what_is_no_end_is_told_apart(engine: RedisEngine) -> None:
    before = await say(engine, "a")
    await say(engine, "b:c", has_ended=False)
    assert (await changes_after(engine, before))[1] == (Change(key=SessionKey("b:c"), has_ended=False),)


async def test_nothing_to_tell_writes_nothing(engine: RedisEngine) -> None:
    begun = await newest_change(engine)
    assert await say(engine) == begun


async def test_a_server_that_lost_its_last_writes_is_noticed_at_once(engine: RedisEngine) -> None:
    await say(engine, "a")
    after = await say(engine, "b", "c")
    await take_back(engine, 2)
    newest, heard = await changes_after(engine, after)
    assert heard == (DROP_EVERYTHING,)
    assert newest == await newest_change(engine)


async def test_and_also_when_it_counted_on_to_the_same_number_meanwhile(engine: RedisEngine) -> None:
    """The ends that were lost, or came since, would never be heard: the same number is not the same entry."""
    await say(engine, "a")
    after = await say(engine, "b", "c")
    await take_back(engine, 2)
    newest = await say(engine, "x", "y")
    assert newest != after
    assert await changes_after(engine, after) == (newest, (DROP_EVERYTHING,))
    newest = await say(engine, "z")
    assert await changes_after(engine, after) == (newest, (DROP_EVERYTHING,))


async def test_an_emptied_store_is_noticed(engine: RedisEngine) -> None:
    after = await say(engine, "a")
    await take_back(engine, 1)
    newest, heard = await changes_after(engine, after)
    assert heard == (DROP_EVERYTHING,)
    assert await changes_after(engine, newest) == (newest, ())


async def test_a_store_that_is_emptied_before_anything_happened_is_noticed_again_and_again(
    engine: RedisEngine,
) -> None:
    """A sign-in announces nothing: without a first entry the feed would look the same before and after the loss."""
    after = await newest_change(engine)
    for _ in range(3):
        await take_back(engine, 1)
        newest, heard = await changes_after(engine, after)
        assert (newest != after, heard) == (True, (DROP_EVERYTHING,))
        after = newest


async def test_the_newest_entry_is_never_trimmed(engine: RedisEngine) -> None:
    newest = await say(engine, "a", "b", "c")
    for now in (0.0, 601.0, 1300.0):
        await trim(engine, now)
    assert await newest_change(engine) == newest
    assert await changes_after(engine, newest) == (newest, ())
    (left,) = await engine.ask(("ZCARD", engine.keys.changes))
    assert left == 1


async def test_trimming_counts_from_when_an_entry_was_noticed(engine: RedisEngine) -> None:
    first = await say(engine, "a")
    await trim(engine, 0.0)
    newest = await say(engine, "b", "c")
    await trim(engine, 500.0)
    await trim(engine, 601.0)
    assert await changes_after(engine, first) == (newest, (DROP_EVERYTHING,))
    (left,) = await engine.ask(("ZCARD", engine.keys.changes))
    assert left == 2


async def test_an_empty_feed_is_trimmed_without_harm(engine: RedisEngine) -> None:
    await trim(engine, 0.0)
    assert await newest_change(engine) > 0
