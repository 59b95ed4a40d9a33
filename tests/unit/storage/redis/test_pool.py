"""The pool: bounded, and nothing comes back to it but what was answered whole."""

import asyncio
from typing import Any

import pytest

from proxy.storage.redis.faults import Lost
from proxy.storage.redis.pool import Pool


class FakeConnection:
    def __init__(self) -> None:
        self.is_connected = True

    async def disconnect(self, nowait: bool = False) -> None:
        self.is_connected = False


class Made:
    """A pool and every connection that it opened."""

    def __init__(self, size: int = 2) -> None:
        self.opened: list[FakeConnection] = []
        self.pool = Pool(self._connect, size)

    async def _connect(self) -> Any:
        self.opened.append(FakeConnection())
        return self.opened[-1]


async def test_a_clean_connection_is_used_again() -> None:
    made = Made()
    async with made.pool.connection() as (first, was_used):
        assert not was_used
    async with made.pool.connection() as (second, was_used):
        assert was_used
        assert second is first


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError, TimeoutError])
async def test_whatever_ends_a_use_early_closes_the_connection(error: type[BaseException]) -> None:
    made = Made()
    with pytest.raises(error):
        async with made.pool.connection():
            raise error
    assert not made.opened[0].is_connected
    async with made.pool.connection() as (_, was_used):
        assert not was_used


async def test_a_connection_that_broke_does_not_come_back() -> None:
    made = Made()
    async with made.pool.connection() as (one, _):
        await one.disconnect()
    async with made.pool.connection() as (_, was_used):
        assert not was_used


async def test_no_more_are_open_than_allowed_and_who_waits_gets_the_next() -> None:
    made = Made(size=2)
    release = asyncio.Event()

    async def use() -> None:
        async with made.pool.connection():
            await release.wait()

    tasks = [asyncio.create_task(use()) for _ in range(5)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(made.opened) == 2
    release.set()
    await asyncio.gather(*tasks)
    assert len(made.opened) == 2


async def test_a_waiter_that_gives_up_leaves_its_turn_to_others() -> None:
    made = Made(size=1)
    async with made.pool.connection():
        waiting = asyncio.create_task(made.pool.connection().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with made.pool.connection() as (_, was_used):
        assert was_used


async def test_after_a_renewal_nothing_old_is_used() -> None:
    made = Made()
    async with made.pool.connection():
        async with made.pool.connection():
            pass
        await made.pool.renew()
        assert [one.is_connected for one in made.opened] == [True, False]
    assert not made.opened[0].is_connected


async def test_a_closed_pool_gives_none() -> None:
    made = Made()
    await made.pool.close()
    with pytest.raises(Lost):
        async with made.pool.connection():
            pass


async def test_what_answered_nobody_since_is_closed_and_what_did_is_kept() -> None:
    made = Made()
    clock = asyncio.get_running_loop().time
    async with made.pool.connection(), made.pool.connection():
        pass
    begun = clock()
    await asyncio.sleep(0)
    async with made.pool.connection() as (proved, _):
        await _later_than(begun)
    await made.pool.distrust(begun)
    assert [one.is_connected for one in made.opened].count(True) == 1
    assert proved.is_connected
    async with made.pool.connection() as (again, _):
        assert again is proved


async def _later_than(moment: float) -> None:
    while asyncio.get_running_loop().time() <= moment:
        await asyncio.sleep(0)
