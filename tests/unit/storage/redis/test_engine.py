"""The engine against a server that has bad days: bounded, asked again where that is harmless, and nowhere else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.errors import SettingsError, Unavailable
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.place import Place, Single, Socket, Tls
from proxy.storage.redis.work import Work
from tests.fakes.redis_server import NIL, SILENCE, Answer, FakeRedis, bulk, error, fake_redis, number


@asynccontextmanager
async def engine_on(answer: Answer, *, timeout: float = 2.0) -> AsyncIterator[tuple[RedisEngine, FakeRedis]]:
    async with fake_redis(answer) as fake:
        engine = RedisEngine(fake.place(timeout=timeout))
        try:
            yield engine, fake
        finally:
            await engine.close()


async def unit(work: Work) -> str:
    """Reads one value and writes it back."""
    value = await work.get("a")
    work.do("SET", "a", "b")
    return (value or b"").decode()


def answering(commits: list[bytes]) -> Answer:
    """Values are `v`; commits are answered from the list."""
    return lambda words: bulk("v") if words[0] == b"GET" else commits.pop(0)


async def test_a_unit_reads_and_commits_on_one_connection() -> None:
    async with engine_on(answering([number(1)])) as (engine, fake):
        assert await engine.write(unit) == "v"
        assert fake.heard == ["GET", "EVALSHA"]
        assert fake.connections == 1


async def test_a_conflict_runs_the_unit_again() -> None:
    async with engine_on(answering([number(0), number(0), number(1)])) as (engine, fake):
        assert await engine.write(unit) == "v"
        assert fake.heard == ["GET", "EVALSHA"] * 3


async def test_conflicts_without_end_are_unavailable_in_time() -> None:
    async with engine_on(lambda words: bulk("v") if words[0] == b"GET" else number(0), timeout=0.3) as (
        engine,
        _,
    ):
        with pytest.raises(Unavailable):
            await engine.write(unit)


async def test_a_script_that_the_server_lost_is_sent_whole() -> None:
    commits = [error("NOSCRIPT No matching script."), number(1)]
    async with engine_on(answering(commits)) as (engine, fake):
        await engine.write(unit)
        assert fake.heard == ["GET", "EVALSHA", "EVAL"]
        assert fake.connections == 1


async def test_silence_is_unavailable_within_the_time_out() -> None:
    async with engine_on(lambda _: SILENCE, timeout=0.2) as (engine, fake):
        started = time.monotonic()
        with pytest.raises(Unavailable, match=r"within 0\.2 s"):
            await engine.ask(("GET", "a"))
        assert time.monotonic() - started < 2
        assert fake.heard == ["GET"]


async def test_waiting_for_a_connection_is_bounded_too() -> None:
    async with engine_on(lambda _: SILENCE, timeout=0.2) as (engine, _):
        calls = [engine.ask(("GET", "a")) for _ in range(20)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, Unavailable) for result in results)


async def test_connections_that_the_server_closed_meanwhile_are_no_outage() -> None:
    async with engine_on(lambda _: bulk("v")) as (engine, fake):
        await asyncio.gather(*(engine.ask(("GET", "a")) for _ in range(4)))
        fake.drop_all()
        assert await engine.ask(("GET", "a")) == [b"v"]


async def test_a_write_whose_answer_was_lost_is_unavailable_and_not_sent_again() -> None:
    async with fake_redis(lambda words: bulk("v")) as fake:

        def answer(words: list[bytes]) -> bytes:
            if words[0] != b"GET":
                fake.drop_all()
            return bulk("v")

        fake.answer = answer
        engine = RedisEngine(fake.place())
        for _ in range(2):
            await engine.ask(("GET", "a"))  # from here on the connection is one that was used before
            fake.heard.clear()
            with pytest.raises(Unavailable):
                await engine.write(unit)
            assert fake.heard == ["GET", "EVALSHA"]
        await engine.close()


async def test_a_replica_is_left_until_the_master_is_there_again() -> None:
    commits = [error("READONLY You can't write against a read only replica."), number(1)]
    async with engine_on(answering(commits)) as (engine, fake):
        assert await engine.write(unit) == "v"
        assert fake.connections == 2


async def test_a_server_that_only_says_not_here_is_unavailable_with_its_reason() -> None:
    async with engine_on(lambda _: error("LOADING so"), timeout=0.2) as (engine, _):
        with pytest.raises(Unavailable, match="loading its data"):
            await engine.ask(("GET", "a"))


async def test_what_is_refused_is_said_at_once() -> None:
    async with engine_on(lambda _: error("OOM command not allowed"), timeout=30) as (engine, fake):
        with pytest.raises(Unavailable, match="memory is full"):
            await engine.ask(("GET", "a"))
        assert fake.heard == ["GET"]


async def test_nobody_there_is_unavailable_at_once() -> None:
    engine = RedisEngine(Place(at=Single(endpoint=Socket(path="/nowhere/redis.sock")), timeout=30))
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="cannot be reached"):
            await engine.ask(("GET", "a"))


async def test_a_unit_without_writes_that_read_once_asks_nothing_more() -> None:
    async def look(work: Work) -> bytes | None:
        return await work.get("a")

    async with engine_on(lambda _: NIL) as (engine, fake):
        assert await engine.write(look) is None
        assert fake.heard == ["GET"]


async def test_an_error_in_a_unit_is_raised_and_writes_nothing() -> None:
    async def broken(work: Work) -> None:
        work.do("DEL", "a")
        raise ValueError("ours")

    async with engine_on(lambda _: NIL) as (engine, fake):
        with pytest.raises(ValueError, match="ours"):
            await engine.write(broken)
        assert fake.heard == []


async def test_a_closed_engine_is_unavailable() -> None:
    async with engine_on(lambda _: NIL) as (engine, _):
        await engine.close()
        with pytest.raises(Unavailable):
            await engine.ask(("GET", "a"))


async def test_tls_files_are_looked_at_before_listening() -> None:
    at = Single(endpoint=Socket(path="/run/redis.sock"))
    with pytest.raises(SettingsError, match="no-such-ca"):
        RedisEngine(Place(at=at, tls=Tls(ca_file=Path("/no-such-ca.pem"))))


async def idle_connections(engine: RedisEngine, fake: FakeRedis, count: int) -> None:
    """So many connections are open and rest: callers that meet need one each."""
    met = asyncio.Barrier(count)

    async def hold(work: Work) -> None:
        await work.get("a")
        await met.wait()

    await asyncio.gather(*(engine.write(hold) for _ in range(count)))
    assert fake.connections == count


@pytest.mark.parametrize("patience", [60.0, 0.3], ids=["waits", "leaves"])
async def test_one_vain_wait_leaves_all_connections_that_are_half_open(patience: float) -> None:
    """Else each would cost a time-out. Whoever leaves after half of it has waited in vain, too."""
    async with engine_on(lambda words: bulk("v") if words[0] == b"GET" else number(1), timeout=0.4) as (
        engine,
        fake,
    ):
        await idle_connections(engine, fake, 4)
        says, fake.answer = fake.answer, lambda _: SILENCE
        with pytest.raises((Unavailable, TimeoutError)):
            async with asyncio.timeout(patience):
                await engine.ask(("GET", "a"))
        fake.answer = says
        fake.heard.clear()
        assert await engine.ask(("GET", "a")) == [b"v"]
        assert (fake.heard, fake.connections) == (["GET"], 5)


async def test_a_caller_that_leaves_early_costs_its_own_connection_alone() -> None:
    async with engine_on(lambda words: bulk("v") if words[0] == b"GET" else number(1), timeout=60) as (
        engine,
        fake,
    ):
        await idle_connections(engine, fake, 4)
        says, fake.answer = fake.answer, lambda _: SILENCE
        call = asyncio.create_task(engine.ask(("GET", "a")))
        while fake.heard[-1:] != ["GET"]:
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        fake.answer = says
        assert await engine.ask(("GET", "a")) == [b"v"]
        assert fake.connections == 4


async def test_what_only_a_master_may_say_is_not_taken_from_a_replica() -> None:
    async with engine_on(lambda _: bulk("v"), timeout=0.3) as (engine, fake):
        assert await engine.ask_master(("GET", "a")) == [b"v"]
        fake.role = "slave"
        assert await engine.ask(("GET", "a")) == [b"v"], (
            "a connection that was open stays in use until it is noticed"
        )
        with pytest.raises(Unavailable, match="a replica now"):
            await engine.ask_master(("GET", "a"))
        with pytest.raises(Unavailable, match="a replica now"):
            await engine.ask(("GET", "a"))
        fake.role = "master"
        assert await engine.ask_master(("GET", "a")) == [b"v"]
