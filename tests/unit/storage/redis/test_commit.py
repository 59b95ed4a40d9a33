"""How a unit of work is handed to the script, and what the script lets pass on a real server."""

import asyncio
from collections.abc import Sequence

import pytest

from proxy.storage.redis.commit import DIGEST, SCRIPT, by_digest, in_full
from proxy.storage.redis.connecting import Command, Reply
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.work import Work


async def _nothing(_: Sequence[Command]) -> list[Reply]:
    return []


def work() -> Work:
    made = Work(_nothing)
    made.guards = [(("GET", "a"), [None]), (("HMGET", "h", "x", "y"), [b"=1", 7])]
    made.writes = [("SET", "b", b"v"), ("DEL", "a")]
    return made


def test_keys_come_first_and_each_word_is_counted() -> None:
    assert by_digest(work()) == (
        "EVALSHA", DIGEST, 4, "a", "h", "b", "a",
        2, 1, "GET", 1, b"-", 3, "HMGET", "x", "y", 2, b"==1", b"=7",
        2, "SET", b"v", 1, "DEL",
    )  # fmt: skip


def test_in_full_differs_by_the_script_alone() -> None:
    assert in_full(work())[2:] == by_digest(work())[2:]
    assert in_full(work())[:2] == ("EVAL", SCRIPT)


async def set_one(engine: RedisEngine, *command: str) -> None:
    async def unit(work: Work) -> None:
        work.do(*command)

    await engine.write(unit)


@pytest.mark.parametrize(
    ("before", "read", "meanwhile"),
    [
        ((), ("GET", "k"), ("SET", "k", "v")),
        (("SET", "k", "v"), ("GET", "k"), ("SET", "k", "v2")),
        (("SET", "k", "v"), ("GET", "k"), ("DEL", "k")),
        (("SET", "k", ""), ("GET", "k"), ("DEL", "k")),
        ((), ("HMGET", "k", "a", "b"), ("HSET", "k", "b", "")),
        (("HSET", "k", "a", "1"), ("HMGET", "k", "a", "b"), ("HDEL", "k", "a")),
        (("HSET", "k", "a", "1", "b", "2"), ("HGETALL", "k"), ("HSET", "k", "a", "2")),
        (("HSET", "k", "a", "1", "b", "2"), ("HGETALL", "k"), ("HSET", "k", "c", "1")),
        (("SADD", "k", "a", "b"), ("SMEMBERS", "k"), ("SADD", "k", "c")),
        (("SADD", "k", "a", "b"), ("SMEMBERS", "k"), ("SREM", "k", "a")),
        ((), ("SMEMBERS", "k"), ("SADD", "k", "a")),
        (("ZADD", "k", "1", "a"), ("ZSCORE", "k", "a"), ("ZADD", "k", "2", "a")),
        ((), ("ZSCORE", "k", "a"), ("ZADD", "k", "2", "a")),
        (("ZADD", "k", "1", "a", "2", "b"), ("ZRANGE", "k", "0", "-1"), ("ZADD", "k", "3", "a")),
    ],
)
async def test_whatever_changed_since_it_was_read_runs_the_unit_again(
    engine: RedisEngine, before: tuple[str, ...], read: tuple[str, ...], meanwhile: tuple[str, ...]
) -> None:
    def named(command: tuple[str, ...]) -> tuple[str, ...]:
        return (command[0], engine.keys.name(command[1]), *command[2:])

    if before:
        await set_one(engine, *named(before))
    seen = []

    async def unit(made: Work) -> None:
        seen.append(await made.read(named(read)))
        made.do("SET", engine.keys.name("done"), len(seen))
        if len(seen) == 1:
            await set_one(engine, *named(meanwhile))

    await engine.write(unit)
    assert len(seen) == 2
    assert seen[0] != seen[1]
    assert await engine.ask(("GET", engine.keys.name("done"))) == [b"2"]


async def test_what_is_still_so_is_committed_at_once(engine: RedisEngine) -> None:
    many, fields = engine.keys.name("many"), engine.keys.name("fields")
    members = [str(number) for number in range(1000)]
    await set_one(engine, "SADD", many, *members)
    await set_one(engine, "HSET", fields, *(part for one in members for part in (one, one)))
    runs = 0

    async def unit(made: Work) -> None:
        nonlocal runs
        runs += 1
        await made.read(("SMEMBERS", many), ("HGETALL", fields), ("GET", engine.keys.name("absent")))
        made.do("DEL", many)

    await engine.write(unit)
    assert runs == 1
    assert await engine.ask(("EXISTS", many)) == [0]


async def test_readings_that_do_not_fit_each_other_are_done_again(engine: RedisEngine) -> None:
    one, two = engine.keys.name("one"), engine.keys.name("two")
    runs = 0

    async def unit(made: Work) -> tuple[bytes | None, bytes | None]:
        nonlocal runs
        runs += 1
        first = await made.get(one)
        if runs == 1:
            await set_one(engine, "SET", one, "new")
            await set_one(engine, "SET", two, "new")
        return first, await made.get(two)

    assert await engine.write(unit) == (b"new", b"new")
    assert runs == 2


async def test_any_bytes_go_through(engine: RedisEngine) -> None:
    value, name = bytes(range(256)) * 20, engine.keys.name("bytes")

    async def unit(made: Work) -> None:
        held = await made.get(name)
        made.do("SET", name, (held or b"") + value)

    await engine.write(unit)
    await engine.write(unit)
    assert await engine.ask(("GET", name)) == [value * 2]


async def test_a_hundred_at_once_lose_nothing(engine: RedisEngine) -> None:
    name = engine.keys.name("count")

    async def add(made: Work) -> None:
        made.do("SET", name, int(await made.get(name) or 0) + 1)

    for _ in range(5):
        await asyncio.gather(*(engine.write(add) for _ in range(20)))
    assert await engine.ask(("GET", name)) == [b"100"]
