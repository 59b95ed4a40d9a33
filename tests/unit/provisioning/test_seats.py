"""Seats: parallel newcomers never exceed them, nobody is half made, members keep working."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.provisioning.app_admin import AppRefusal, AppTrouble, Capabilities
from proxy.provisioning.courier import Courier
from proxy.provisioning.joining import PATIENCE
from proxy.provisioning.model import EntryState
from proxy.provisioning.rules import CourierRules
from proxy.provisioning.seats import COUNT_KEPT_SECONDS, RESERVED_SECONDS, count_seats
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Pending, Ready
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store
from tests.fakes.app_admin import FULL, FakeApp
from tests.fakes.provisioning import NOW, Killed, Scene, link_rules, removed, subject, vouched

LISTING = replace(FULL, can_list_accounts=True)
FULL_UP = AccountRefused(reason=Reason.NO_SEAT)


def scene_with(seats: int, capabilities: Capabilities = LISTING) -> Scene:
    rules = CourierRules(link=link_rules(), seats=seats, poll=0.02, creations_per_hour=1000)
    return Scene(app=FakeApp(capabilities=capabilities), rules=rules)


async def arrive(scene: Scene, name: str) -> object:
    await scene.note(vouched(name))
    return await scene.courier().visit_now(subject(name))


async def test_nobody_is_made_when_every_seat_is_taken_by_hand_made_accounts() -> None:
    scene = scene_with(1)
    scene.app.add("carol")
    assert await arrive(scene, "ada") == FULL_UP
    assert scene.operations() == []
    assert scene.store.entries_by_id == {}


async def test_archived_accounts_take_no_seat() -> None:
    scene = scene_with(1)
    scene.app.add("carol", is_active=False)
    assert isinstance(await arrive(scene, "ada"), Ready)


async def test_members_keep_working_when_there_are_fewer_seats_than_members() -> None:
    scene = scene_with(1)
    for name in ("ada", "bob"):
        scene.app.add(name)
        await scene.bind(name)
    assert isinstance(await arrive(scene, "ada"), Ready)


async def test_a_hand_made_account_is_linked_without_a_seat_of_its_own() -> None:
    scene = scene_with(1)
    scene.app.add("ada")
    assert isinstance(await arrive(scene, "ada"), Ready)
    assert await scene.store.count_seats(NOW) == 1


async def test_whoever_leaves_makes_room() -> None:
    scene = scene_with(1)
    assert isinstance(await arrive(scene, "ada"), Ready)
    assert await arrive(scene, "bob") == FULL_UP
    await scene.note(removed("ada", at=NOW + 1))
    await scene.courier().visit_now(subject("ada"))
    assert isinstance(await arrive(scene, "bob"), Ready)


async def test_whoever_comes_back_needs_a_seat_and_is_parked_without_one() -> None:
    scene = scene_with(1)
    await arrive(scene, "ada")
    await scene.note(removed("ada", at=NOW + 1))
    await scene.courier().visit_now(subject("ada"))
    await arrive(scene, "bob")
    await scene.note(vouched("ada", at=NOW + 2))
    assert await scene.courier().visit_now(subject("ada")) == FULL_UP
    assert scene.entry("ada").state is EntryState.PARKED
    assert not scene.app.by_login("ada").is_active


async def test_somebody_archived_by_hand_comes_back_to_the_last_seat() -> None:
    """The count still names their account: it must not stand in their own way."""
    scene = scene_with(1)
    await arrive(scene, "ada")
    member = scene.app.by_login("ada")
    scene.app.accounts[member.id] = replace(member, is_active=False)
    await scene.store.reopen(scene.entry("ada").id, EntryState.DONE, NOW)
    assert isinstance(await scene.courier().visit_now(subject("ada")), Ready)
    assert scene.app.by_login("ada").is_active


async def test_a_seat_kept_for_a_login_that_turns_out_to_be_taken_is_given_back() -> None:
    """The app knows the login and never shows it: after some patience the newcomer is refused."""
    scene = scene_with(5)
    entry = await scene.note(vouched("ada"))
    scene.store.entries_by_id[entry.id] = replace(entry, attempts=PATIENCE)
    scene.app.fail("create", AppRefusal(reason=Reason.LOGIN_TAKEN, detail="has already been taken"))
    assert await scene.courier().visit_now(subject("ada")) == AccountRefused(reason=Reason.LOGIN_TAKEN)
    assert scene.operations() == ["create"]
    assert await scene.store.count_seats(NOW) == 0


async def test_the_apps_own_plan_limit_is_the_same_outcome_and_gives_the_seat_back() -> None:
    scene = scene_with(5)
    scene.app.fail("create", AppRefusal(reason=Reason.NO_SEAT, detail="plan limit"))
    assert await arrive(scene, "ada") == FULL_UP
    assert await scene.store.count_seats(NOW) == 0


async def test_an_account_that_may_have_been_made_keeps_its_seat_until_that_is_known() -> None:
    scene = scene_with(1)
    scene.app.fail("create", AppTrouble(detail="time-out"))
    assert isinstance(await arrive(scene, "ada"), Pending)
    assert await arrive(scene, "bob") == FULL_UP
    scene.now += RESERVED_SECONDS
    assert isinstance(await arrive(scene, "bob"), Ready)


async def test_killed_after_creating_the_next_courier_binds_and_takes_one_seat() -> None:
    scene = scene_with(1)
    await scene.note(vouched("ada"))

    def die(name: str) -> None:
        if name == "after create":
            raise Killed

    claim = await scene.store.claim(holder="test", now=scene.now, seconds=20)
    assert claim is not None
    with pytest.raises(Killed):
        await scene.courier(die).visit(claim)
    scene.now += 25
    assert isinstance(await arrive(scene, "ada"), Ready)
    assert await scene.store.count_seats(scene.now) == 1


async def test_seats_that_cannot_be_counted_the_first_time_are_waited_for() -> None:
    scene = scene_with(5)
    scene.app.fail("list_accounts", AppTrouble(detail="HTTP 503"))
    assert isinstance(await arrive(scene, "ada"), Pending)
    assert scene.operations() == []


async def test_an_old_count_is_better_than_none() -> None:
    scene = scene_with(5)
    assert isinstance(await arrive(scene, "ada"), Ready)
    scene.now += COUNT_KEPT_SECONDS
    scene.app.forever["list_accounts"] = AppTrouble(detail="HTTP 503")
    assert isinstance(await arrive(scene, "bob"), Ready)


async def test_accounts_are_listed_once_a_day_and_not_for_every_newcomer() -> None:
    scene = scene_with(50)
    await asyncio.gather(*(arrive(scene, f"person{n}") for n in range(5)))
    assert scene.app.calls.count("list_accounts") <= 5
    before = scene.app.calls.count("list_accounts")
    await arrive(scene, "late")
    assert scene.app.calls.count("list_accounts") == before


async def test_an_app_that_lists_nobody_has_our_bindings_counted() -> None:
    scene = scene_with(1, FULL)
    scene.app.add("carol")
    assert isinstance(await arrive(scene, "ada"), Ready)
    assert await arrive(scene, "bob") == FULL_UP


async def test_without_a_limit_nothing_is_counted_or_written() -> None:
    scene = scene_with(1)
    scene.rules = replace(scene.rules, seats=None)
    await arrive(scene, "ada")
    assert scene.store.seats == {}
    assert "list_accounts" not in scene.app.calls


async def test_a_count_that_fails_writes_nothing() -> None:
    scene = scene_with(1)
    scene.app.fail("list_accounts", AppTrouble(detail="HTTP 503"))
    fault = await count_seats(scene.app, scene.store, looked_at=NOW, now=NOW)
    assert isinstance(fault, AppTrouble)
    assert await scene.store.seats_counted_at() is None


def on_disk(scene: Scene, store: SqliteStore, number: int) -> Courier:
    return Courier(
        outbox=store.outbox,
        bindings=store.bindings,
        ledger=store.ledger,
        counters=store.ledger,
        leases=store.leases,
        app=scene.app,
        rules=scene.rules,
        tell=scene.tell,
        audit=scene.audit.append,
        clock=lambda: scene.now,
        entropy=bytes,
        holder=f"replica-{number}",
    )


async def test_fifty_newcomers_at_two_replicas_get_exactly_the_ten_seats(tmp_path: Path) -> None:
    """The app itself has no limit: only the reservation keeps them apart."""
    scene = scene_with(10)
    ring = load_keyring(tmp_path / "keys")
    stores = [open_store(tmp_path / "muster.db", ring, timeout=20) for _ in range(2)]
    couriers = [on_disk(scene, store, number) for number, store in enumerate(stores)]
    for number in range(50):
        await stores[0].outbox.note(vouched(f"person{number}"), scene.now)
    states = await asyncio.gather(
        *(couriers[number % 2].visit_now(subject(f"person{number}"), seconds=60) for number in range(50))
    )
    assert sum(isinstance(state, Ready) for state in states) == 10
    assert sum(state == FULL_UP for state in states) == 40
    assert len(scene.app.accounts) == 10
    assert await stores[1].ledger.count_seats(scene.now) == 10
    for courier, store in zip(couriers, stores, strict=True):
        await courier.stop()
        await store.close()
