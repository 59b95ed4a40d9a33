"""Seats: one a person, never more than there are, and none lost to a reservation that nobody used."""

import asyncio

from proxy.provisioning.model import AccountId
from tests.contract.engines import Store
from tests.contract.records import NOW, binding, vouched


async def reserve(store: Store, person: str, limit: int, now: float = NOW) -> bool:
    return await store.ledger.reserve_seat(person, limit, now, seconds=600)


async def test_fifty_newcomers_of_two_processes_get_the_ten_seats_there_are(
    store: Store, other: Store
) -> None:
    granted = await asyncio.gather(
        *(reserve(view, f"{side}-{n}", 10) for n in range(25) for side, view in enumerate((store, other)))
    )
    assert sum(granted) == 10
    assert await store.ledger.count_seats(NOW) == 10


async def test_whoever_asks_again_keeps_their_seat_and_for_longer(store: Store, other: Store) -> None:
    assert await reserve(store, "ada", 1)
    assert await reserve(other, "ada", 1, NOW + 500)
    assert not await reserve(store, "bob", 1, NOW + 1099)
    assert await reserve(store, "bob", 1, NOW + 1100)


async def test_a_seat_given_back_is_free_at_once(store: Store, other: Store) -> None:
    assert await reserve(store, "ada", 1)
    assert not await reserve(other, "bob", 1)
    await store.ledger.release_seat("ada")
    assert await reserve(other, "bob", 1)


async def test_an_account_keeps_the_seat_that_was_reserved_until_it_is_archived(store: Store) -> None:
    assert await reserve(store, "ada", 1)
    await store.ledger.settle_seat("ada", AccountId("7"), NOW)
    assert await store.ledger.count_seats(NOW + 86_400) == 1
    assert not await reserve(store, "bob", 1, NOW + 86_400)
    await store.ledger.vacate_seat(AccountId("7"))
    assert await reserve(store, "bob", 1, NOW + 86_400)


async def test_settling_twice_takes_one_seat(store: Store) -> None:
    for person in ("ada", "ada", "her other IdP"):
        await store.ledger.settle_seat(person, AccountId("7"), NOW)
    assert await store.ledger.count_seats(NOW) == 1


async def test_counting_takes_the_apps_word_for_everybody_else(store: Store) -> None:
    assert await store.ledger.seats_counted_at() is None
    await store.ledger.settle_seat("gone", AccountId("1"), NOW - 60)
    await store.ledger.recount_seats(frozenset({AccountId("2"), AccountId("3")}), looked_at=NOW, now=NOW + 5)
    assert await store.ledger.count_seats(NOW) == 2
    assert await store.ledger.seats_counted_at() == NOW + 5


async def test_counting_forgets_no_reservation_and_nobody_who_came_meanwhile(store: Store) -> None:
    assert await reserve(store, "ada", 10)
    await store.ledger.settle_seat("bob", AccountId("9"), NOW + 1)
    await store.ledger.recount_seats(frozenset({AccountId("2")}), looked_at=NOW, now=NOW + 5)
    assert await store.ledger.count_seats(NOW + 5) == 3


async def test_without_the_apps_word_our_unblocked_bindings_are_counted(store: Store) -> None:
    for name, account, is_blocked in (("ada", "7", False), ("bob", "8", True)):
        entry = await store.outbox.note(vouched(name), NOW)
        claim = await store.outbox.claim(holder="a", now=NOW, seconds=20, entry_id=entry.id)
        assert claim is not None
        assert await store.outbox.bind(claim, binding(name, account, is_blocked=is_blocked)) is not None
    await store.ledger.recount_seats(None, looked_at=NOW, now=NOW)
    assert await store.ledger.count_seats(NOW) == 1
