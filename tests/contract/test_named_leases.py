"""Named leases: one holder at a time, across processes, for as long as it is renewed."""

import asyncio
from dataclasses import replace

from proxy.provisioning.leases import NamedLease
from tests.contract.engines import Store
from tests.contract.records import NOW


async def acquire(store: Store, holder: str, now: float = NOW, name: str = "sweep") -> NamedLease | None:
    return await store.leases.acquire(name, holder=holder, now=now, seconds=30)


async def test_one_of_twenty_gets_the_lease(store: Store, other: Store) -> None:
    asked = (acquire(view, f"{side}-{n}") for n in range(10) for side, view in enumerate((store, other)))
    granted = [one for one in await asyncio.gather(*asked) if one is not None]
    assert len(granted) == 1


async def test_leases_of_other_names_are_no_obstacle(store: Store) -> None:
    assert await acquire(store, "a") is not None
    assert await acquire(store, "a", name="administrators") is not None


async def test_the_same_holder_does_not_get_it_twice(store: Store) -> None:
    assert await acquire(store, "a") is not None
    assert await acquire(store, "a") is None


async def test_a_lease_that_ran_out_goes_to_whoever_asks_next(store: Store, other: Store) -> None:
    first = await acquire(store, "a")
    assert first is not None
    assert await acquire(other, "b", NOW + 29) is None
    second = await acquire(other, "b", NOW + 30)
    assert second is not None
    assert second.fence > first.fence
    assert await store.leases.renew(first, now=NOW + 31, seconds=30) is None


async def test_a_renewed_lease_lasts(store: Store, other: Store) -> None:
    lease = await acquire(store, "a")
    assert lease is not None
    renewed = await store.leases.renew(lease, now=NOW + 20, seconds=30)
    assert renewed == replace(lease, until=NOW + 50)
    assert await acquire(other, "b", NOW + 49) is None


async def test_a_lease_given_back_is_free_and_cannot_be_renewed(store: Store, other: Store) -> None:
    lease = await acquire(store, "a")
    assert lease is not None
    await store.leases.release(lease)
    assert await store.leases.renew(lease, now=NOW, seconds=30) is None
    assert await acquire(other, "b") is not None


async def test_giving_back_a_lost_lease_leaves_the_new_holder_alone(store: Store, other: Store) -> None:
    lease = await acquire(store, "a")
    assert lease is not None
    assert await acquire(other, "b", NOW + 30) is not None
    await store.leases.release(lease)
    assert await acquire(store, "a", NOW + 31) is None
