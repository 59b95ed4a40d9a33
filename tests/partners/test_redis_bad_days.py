"""Real Redis servers on bad days: slow with callers that leave, restarted, full, and failed over."""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.errors import Unavailable
from proxy.reasons import Reason
from proxy.session.codec import KeyRing, SealingKey
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.place import Address, Place, Single
from proxy.storage.redis.store import RedisStore, make_store
from proxy.storage.redis.work import Work
from tests.contract.records import NOW, key, session
from tests.partners.redis_fixtures import redis_server  # noqa: F401  # pytest finds it by name
from tests.partners.redis_servers import HOST, RedisServer, SentinelGroup

RING = KeyRing(keys=(SealingKey(secret=b"k" * 32),))
CALLS = 1000
PATIENCE = 0.004
"""About how long a caller waits before leaving, in seconds: the relay takes as long."""


def prefix() -> str:
    return f"bad-{uuid.uuid4().hex[:12]}"


@asynccontextmanager
async def store_at(place: Place) -> AsyncIterator[RedisStore]:
    store = make_store(place, RING)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def slow_relay(server: RedisServer) -> AsyncIterator[Address]:
    """Passes bytes both ways, each piece a little late and cut at random: answers arrive late, and in halves."""
    dice = random.Random(7)
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(dice.choice((7, 100, 65536))):
                await asyncio.sleep(dice.uniform(0, PATIENCE))
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(server.socket)
        for one in (pump(reader, far_writer), pump(far_reader, writer)):
            task = asyncio.create_task(one)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    relay = await asyncio.start_server(serve, HOST, 0)
    try:
        yield Address(host=HOST, port=relay.sockets[0].getsockname()[1])
    finally:
        relay.close()
        await asyncio.wait([*tasks], timeout=5) if tasks else None
        await relay.wait_closed()


async def test_no_caller_that_leaves_hands_its_answer_to_the_next(redis_server: RedisServer) -> None:  # noqa: F811
    """A thousand calls are left at random moments; each later answer on those connections belongs to its question."""
    dice = random.Random(11)
    async with slow_relay(redis_server) as address:
        place = Place(at=Single(endpoint=address), prefix=prefix(), timeout=10, connections=8)
        engine = RedisEngine(place)
        names = [engine.keys.name("value", str(number)) for number in range(40)]

        async def fill(work: Work) -> None:
            for name in names:
                work.do("SET", name, name)

        await engine.write(fill)

        async def question(number: int) -> None:
            name = names[number % len(names)]
            assert await engine.ask(("GET", name)) == [name.encode()]

        async def change(number: int) -> None:
            name = names[number % len(names)]

            async def unit(work: Work) -> bytes | None:
                held = await work.get(name)
                work.do("SET", name, name)
                return held

            assert await engine.write(unit) == name.encode()

        async def left(number: int) -> bool:
            """Whether the caller left before the answer; one in seven waits for it, however slow the machine."""
            call = asyncio.create_task((change if number % 3 == 0 else question)(number))
            if number % 7 == 0:
                await call
            await asyncio.sleep(dice.uniform(0, 6 * PATIENCE))
            call.cancel()
            try:
                await call
            except asyncio.CancelledError:
                return True
            return False

        gone = 0
        try:
            for start in range(0, CALLS, 20):
                gone += sum(await asyncio.gather(*(left(start + number) for number in range(20))))
                await asyncio.gather(*(question(number) for number in range(4)))
            await asyncio.gather(*(question(number) for number in range(40)))
        finally:
            await engine.close()
        assert CALLS / 10 < gone < CALLS


async def test_a_restart_keeps_what_was_acknowledged_and_is_recovered_from(tmp_path: Path) -> None:
    """`appendfsync always`: then even `kill -9` loses nothing."""
    with RedisServer(tmp_path, ["--appendfsync", "always"]) as server:
        async with store_at(server.place(timeout=1)) as store:
            for number in range(20):
                await store.sessions.create(session(f"s{number}"))
            server.kill()
            with pytest.raises(Unavailable, match="cannot be reached"):
                await store.sessions.load(key("s0"))
            server.start()
            for number in range(20):
                assert await store.sessions.load(key(f"s{number}")) == session(f"s{number}")


async def test_a_full_server_refuses_sign_ins_and_still_ends_sessions(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with store_at(server.place(timeout=5)) as store:
            await store.sessions.create(session("one"))
            await store.sessions.create(session("two"))
            before = await store.sessions.latest_change()
            server.client.config_set("maxmemory", 1)
            with pytest.raises(Unavailable, match="memory is full"):
                await store.sessions.create(session("three"))
            with pytest.raises(Unavailable, match="memory is full"):
                await store.sessions.ping()
            await store.sessions.end([key("one")], Reason.SIGNED_OUT, NOW)
            assert await store.sessions.load(key("one")) is None
            assert [one.key for one in (await store.sessions.changes(before))[1]] == [key("one")]
            server.client.config_set("maxmemory", 0)
            await store.sessions.create(session("three"))


async def test_a_silent_server_costs_each_call_its_time_out_and_no_more(redis_server: RedisServer) -> None:  # noqa: F811
    async with store_at(redis_server.place(prefix=prefix(), timeout=0.3)) as store:
        await store.sessions.create(session())
        with redis_server.silence():
            started = time.monotonic()
            calls = [store.sessions.load(key("one")) for _ in range(100)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(one, Unavailable) for one in results)
            assert time.monotonic() - started < 3
        assert await store.sessions.load(key("one")) == session()


async def test_a_fail_over_loses_nothing_that_was_in_step_and_is_recovered_from(tmp_path: Path) -> None:
    with SentinelGroup(tmp_path, down_after=500) as group:
        group.wait_until_watched()
        async with store_at(group.place(timeout=0.5)) as store:
            await store.sessions.create(session())
            heard = await store.sessions.latest_change()
            lease = await store.sessions.acquire(key("one"), holder="a", now=NOW, seconds=30)
            group.wait_until_in_step()
            group.servers[0].kill()
            slowest, refused = 0.0, 0
            deadline = time.monotonic() + 30
            while True:
                started = time.monotonic()
                try:
                    assert await store.sessions.load(key("one")) == session()
                    await store.sessions.ping()
                    break
                except Unavailable:
                    refused += 1
                slowest = max(slowest, time.monotonic() - started)
                assert time.monotonic() < deadline, "no fail-over within 30 s"
                await asyncio.sleep(0.05)
            assert refused
            assert slowest < 2
            assert lease is not None
            assert await store.sessions.renew(lease, now=NOW + 9, seconds=30) is not None
            assert await store.sessions.changes(heard) == (heard, ())
            await store.sessions.end([key("one")], Reason.SIGNED_OUT, NOW)
            assert len((await store.sessions.changes(heard))[1]) == 1
