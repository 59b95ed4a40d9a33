"""The guard's ledger: distinct people within the window, and latches, across processes."""

import asyncio

from tests.contract.engines import Store
from tests.contract.records import NOW

HOUR = 3600.0


async def count(store: Store, person: str, now: float = NOW, scope: str = "idp:corp") -> int:
    return await store.ledger.count_removal(scope, person, now, window=HOUR)


async def test_a_person_counts_once_in_the_window(store: Store, other: Store) -> None:
    assert await count(store, "ada") == 1
    assert await count(other, "ada", NOW + 60) == 1
    assert await count(other, "bob", NOW + 60) == 2


async def test_scopes_are_counted_apart(store: Store) -> None:
    await count(store, "ada")
    assert await count(store, "ada", scope="link:Developers") == 1


async def test_the_window_moves_on(store: Store) -> None:
    await count(store, "ada", NOW)
    await count(store, "bob", NOW + 1800)
    assert await count(store, "eve", NOW + 3599) == 3
    assert await count(store, "kim", NOW + 3600) == 3


async def test_a_person_counted_again_does_not_stay_longer(store: Store) -> None:
    await count(store, "ada", NOW)
    await count(store, "ada", NOW + 3000)
    assert await count(store, "bob", NOW + 3700) == 1


async def test_twenty_at_once_count_twenty(store: Store, other: Store) -> None:
    counted = [count(view, f"{side}-{n}") for n in range(10) for side, view in enumerate((store, other))]
    assert sorted(await asyncio.gather(*counted)) == list(range(1, 21))


async def test_a_latch_holds_until_it_is_released(store: Store, other: Store) -> None:
    assert await store.ledger.latched() == frozenset()
    assert await store.ledger.latch("idp:corp", NOW)
    assert not await other.ledger.latch("idp:corp", NOW + 1)
    assert await other.ledger.latch("link:Developers", NOW)
    await store.clean(NOW + 365 * 86_400)
    assert await store.ledger.latched() == {"idp:corp", "link:Developers"}
    assert await other.ledger.unlatch("idp:corp")
    assert not await store.ledger.unlatch("idp:corp")
    assert await store.ledger.latched() == {"link:Developers"}


async def test_a_release_starts_that_count_anew(store: Store) -> None:
    for person in ("ada", "bob", "eve"):
        await count(store, person)
        await count(store, person, scope="link:Developers")
    await store.ledger.latch("idp:corp", NOW)
    await store.ledger.unlatch("idp:corp")
    assert await count(store, "kim") == 1
    assert await count(store, "kim", scope="link:Developers") == 4


async def test_creations_are_counted_once_a_person_and_apart_from_removals(
    store: Store, other: Store
) -> None:
    await count(store, "ada", scope="creations")
    assert await store.ledger.reserve_creation("ada", NOW, window=HOUR) == 1
    assert await other.ledger.reserve_creation("ada", NOW + 1, window=HOUR) == 1
    assert await other.ledger.reserve_creation("bob", NOW + 1, window=HOUR) == 2
    assert await store.ledger.reserve_creation("eve", NOW + HOUR, window=HOUR) == 2


async def test_cleaning_keeps_what_the_window_holds(store: Store) -> None:
    await count(store, "ada")
    await store.clean(NOW + 3000)
    assert await count(store, "bob", NOW + 3000) == 2
