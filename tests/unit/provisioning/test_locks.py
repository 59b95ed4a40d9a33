"""Locks made of named leases."""

import asyncio
from collections.abc import Callable

import pytest

from proxy.errors import Unavailable
from proxy.provisioning.leases import NamedLease
from proxy.provisioning.locks import LEASE_SECONDS, WORK_SECONDS, LeaseLocks


class Leases:
    """Named leases in memory; `now` comes with every call."""

    def __init__(self) -> None:
        self.held: dict[str, NamedLease] = {}
        self.released = 0

    async def acquire(self, name: str, *, holder: str, now: float, seconds: float) -> NamedLease | None:
        if name in self.held and self.held[name].until > now:
            return None
        self.held[name] = NamedLease(name=name, holder=holder, fence=1, until=now + seconds)
        return self.held[name]

    async def renew(self, lease: NamedLease, *, now: float, seconds: float) -> NamedLease | None:
        raise AssertionError("a lock is never longer than its lease")

    async def release(self, lease: NamedLease) -> None:
        self.released += 1
        if self.held.get(lease.name) == lease:
            del self.held[lease.name]


def locks(leases: Leases, clock: Callable[[], float], holder: str = "one", **further: float) -> LeaseLocks:
    return LeaseLocks(leases, clock=clock, holder=holder, **further)


def ticking(step: float) -> Callable[[], float]:
    """A clock that goes on by `step` with every look."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += step
        return now

    return clock


async def test_a_lock_is_held_for_the_block_and_given_back() -> None:
    leases = Leases()
    async with locks(leases, lambda: 5.0).hold("group:a"):
        assert leases.held["group:a"].until == 5.0 + LEASE_SECONDS
    assert leases.held == {}


async def test_who_comes_second_waits_until_it_is_free() -> None:
    leases, order = Leases(), list[str]()
    first, second = locks(leases, lambda: 1.0), locks(leases, lambda: 1.0, "two")

    async def work(which: LeaseLocks, name: str) -> None:
        async with which.hold("a"):
            order.append(f"{name} in")
            await asyncio.sleep(0.01)
            order.append(f"{name} out")

    await asyncio.gather(work(first, "first"), work(second, "second"))
    assert order == ["first in", "first out", "second in", "second out"]


async def test_a_lease_of_a_process_that_died_is_taken_once_it_ran_out() -> None:
    leases = Leases()
    await leases.acquire("a", holder="dead", now=0, seconds=LEASE_SECONDS)
    async with locks(leases, ticking(10.0), patience=60).hold("a"):
        assert leases.held["a"].holder == "one"


async def test_who_cannot_have_it_in_time_is_told() -> None:
    leases = Leases()
    await leases.acquire("a", holder="other", now=0, seconds=10_000)
    with pytest.raises(Unavailable, match="at work elsewhere"):
        async with locks(leases, ticking(4.0), patience=10).hold("a"):
            raise AssertionError("never held")
    assert leases.released == 0


async def test_work_ends_before_the_lease_does() -> None:
    assert WORK_SECONDS < LEASE_SECONDS
    leases = Leases()
    with pytest.raises(Unavailable, match="was not done within"):
        async with locks(leases, lambda: 1.0, work=0.01).hold("a"):
            await asyncio.Event().wait()
    assert leases.held == {}


async def test_what_fails_in_the_block_is_its_own_affair() -> None:
    leases = Leases()
    with pytest.raises(ValueError, match="in the block"):
        async with locks(leases, lambda: 1.0).hold("a"):
            raise ValueError("in the block")
    assert leases.held == {}
