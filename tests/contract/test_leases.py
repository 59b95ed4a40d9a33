"""Leases: one holder at a time, each grant fenced off from the one before."""

import asyncio
from dataclasses import replace

from proxy.reasons import Reason
from tests.contract.engines import Store
from tests.contract.records import NOW, key, next_version, session


async def test_only_one_of_many_holders_gets_the_lease(store: Store, other: Store) -> None:
    held = session()
    await store.sessions.create(held)
    asked = [
        view.sessions.acquire(held.key, holder=f"{number}-{side}", now=NOW, seconds=30)
        for number in range(20)
        for side, view in enumerate((store, other))
    ]
    assert sum(lease is not None for lease in await asyncio.gather(*asked)) == 1


async def test_there_is_no_lease_on_a_session_that_is_not_there(store: Store) -> None:
    assert await store.sessions.acquire(key("nobody"), holder="a", now=NOW, seconds=30) is None


async def test_an_unexpired_lease_keeps_others_out_and_an_expired_one_does_not(
    store: Store, other: Store
) -> None:
    await store.sessions.create(session())
    first = await store.sessions.acquire(key("one"), holder="a", now=NOW, seconds=30)
    assert first is not None
    assert first.until == NOW + 30
    assert await other.sessions.acquire(key("one"), holder="b", now=NOW + 29.9, seconds=30) is None
    second = await other.sessions.acquire(key("one"), holder="b", now=NOW + 30, seconds=30)
    assert second is not None
    assert second.fence > first.fence


async def test_a_holder_that_asks_again_gets_a_lease_that_fences_its_first_off(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    first = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    second = await store.sessions.acquire(held.key, holder="a", now=NOW + 1, seconds=30)
    assert first is not None
    assert second is not None
    assert not await store.sessions.save(next_version(held), lease=first)
    assert await store.sessions.renew(first, now=NOW + 2, seconds=30) is None
    await store.sessions.release(first)
    assert await store.sessions.save(next_version(held), lease=second)


async def test_whoever_lost_the_lease_writes_nothing_and_cannot_renew_or_release_it(
    store: Store, other: Store
) -> None:
    held = session()
    await store.sessions.create(held)
    lost = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    won = await other.sessions.acquire(held.key, holder="b", now=NOW + 31, seconds=30)
    assert lost is not None
    assert won is not None
    assert not await store.sessions.save(next_version(held), lease=lost)
    assert await store.sessions.renew(lost, now=NOW + 32, seconds=30) is None
    await store.sessions.release(lost)
    assert await store.sessions.acquire(held.key, holder="c", now=NOW + 33, seconds=30) is None
    assert await store.sessions.load(held.key) == held
    assert await other.sessions.save(next_version(held), lease=won)


async def test_a_renewed_lease_lasts_longer_and_keeps_its_fence(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    renewed = await store.sessions.renew(lease, now=NOW + 20, seconds=30)
    assert renewed is not None
    assert (renewed.until, renewed.fence) == (NOW + 50, lease.fence)
    assert await store.sessions.acquire(held.key, holder="b", now=NOW + 49, seconds=30) is None
    assert await store.sessions.save(next_version(held), lease=lease)


async def test_a_released_lease_is_free_at_once_and_writes_no_more(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    await store.sessions.release(lease)
    assert not await store.sessions.save(next_version(held), lease=lease)
    again = await store.sessions.acquire(held.key, holder="b", now=NOW, seconds=30)
    assert again is not None
    assert again.fence > lease.fence


async def test_a_lease_ends_with_its_session(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    await store.sessions.end([held.key], Reason.SIGNED_OUT, NOW)
    assert await store.sessions.renew(lease, now=NOW, seconds=30) is None
    await store.sessions.release(lease)


async def test_saves_race_and_one_wins(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    attempts = [store.sessions.save(next_version(held, NOW + number), lease=lease) for number in range(20)]
    assert sum(await asyncio.gather(*attempts)) == 1


async def test_candidates_for_early_renewal_are_due_used_out_of_cool_off_and_unleased(store: Store) -> None:
    due = {"due_at": NOW + 10, "last_seen_at": NOW}
    rows = {
        "candidate": due,
        "first": {**due, "due_at": NOW + 5},
        "after cool-off": {**due, "due_at": NOW + 11, "next_attempt_at": NOW},
        "not yet due": {**due, "due_at": NOW + 100},
        "not in use": {**due, "last_seen_at": NOW - 1000},
        "cooling off": {**due, "next_attempt_at": NOW + 1},
        "leased": due,
        "lease expired": {**due, "due_at": NOW + 12},
    }
    for name, columns in rows.items():
        await store.sessions.create(replace(session(name), **columns))  # type: ignore[arg-type]  # all floats
    await store.sessions.acquire(key("leased"), holder="a", now=NOW, seconds=30)
    await store.sessions.acquire(key("lease expired"), holder="a", now=NOW - 60, seconds=30)
    found = await store.sessions.due(before=NOW + 60, seen_since=NOW - 60, now=NOW, limit=10)
    assert found == tuple(map(key, ("first", "candidate", "after cool-off", "lease expired")))
    assert len(await store.sessions.due(before=NOW + 60, seen_since=NOW - 60, now=NOW, limit=2)) == 2
