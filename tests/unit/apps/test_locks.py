"""Locks within one process."""

import asyncio
import gc

import pytest

from proxy.apps.locks import ProcessLocks


async def test_one_at_a_time_by_name_and_others_meanwhile() -> None:
    locks, inside, most = ProcessLocks(), 0, 0

    async def work(name: str) -> None:
        nonlocal inside, most
        async with locks.hold(name):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work("a") for _ in range(5)))
    assert most == 1
    await asyncio.gather(work("a"), work("b"))
    assert most == 2


async def test_a_block_that_fails_gives_the_lock_back() -> None:
    locks = ProcessLocks()
    with pytest.raises(ValueError, match="in the block"):
        async with locks.hold("a"):
            raise ValueError("in the block")
    async with asyncio.timeout(1), locks.hold("a"):
        pass


async def test_locks_that_nobody_holds_take_no_room() -> None:
    locks = ProcessLocks()
    for number in range(10):
        async with locks.hold(str(number)):
            pass
    gc.collect()
    assert len(locks._locks) == 0
