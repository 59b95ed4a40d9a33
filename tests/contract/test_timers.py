"""Timers about people whom the IdP wants to see again (semantics §5.3)."""

import asyncio

from proxy.session.store import Suspicion
from tests.contract.engines import Store
from tests.contract.records import CORP, NOW, PARTNER, subject


def suspicion(name: str = "ada", *, started: float = NOW, after: float = 100, idp: str = CORP) -> Suspicion:
    return Suspicion(
        subject=subject(name, type(CORP)(idp)),
        idp=type(CORP)(idp),
        started_at=started,
        fires_at=started + after,
    )


async def test_one_timer_a_person_whoever_starts_it(store: Store, other: Store) -> None:
    started = await asyncio.gather(*(view.sessions.suspect(suspicion()) for view in (store, other) * 5))
    assert sum(started) == 1


async def test_a_running_timer_keeps_its_time(store: Store) -> None:
    await store.sessions.suspect(suspicion())
    assert not await store.sessions.suspect(suspicion(started=NOW + 50))
    assert await store.sessions.fired(NOW + 100, 10) == (suspicion(),)


async def test_a_timer_fires_when_its_time_has_come_and_stays_until_cleared(
    store: Store, other: Store
) -> None:
    await store.sessions.suspect(suspicion())
    assert await store.sessions.fired(NOW + 99.9, 10) == ()
    assert await other.sessions.fired(NOW + 100, 10) == (suspicion(),)
    assert await other.sessions.fired(NOW + 200, 10) == (suspicion(),)
    assert await other.sessions.clear_suspicion(subject())
    assert await store.sessions.fired(NOW + 200, 10) == ()


async def test_cancelling_says_whether_one_ran(store: Store) -> None:
    assert not await store.sessions.clear_suspicion(subject())
    await store.sessions.suspect(suspicion())
    assert await store.sessions.clear_suspicion(subject())
    assert not await store.sessions.clear_suspicion(subject())
    assert await store.sessions.suspect(suspicion(started=NOW + 1))


async def test_the_earliest_fire_first_up_to_the_limit(store: Store) -> None:
    for name, after in (("late", 30.0), ("early", 10.0), ("middle", 20.0)):
        await store.sessions.suspect(suspicion(name, after=after))
    fired = await store.sessions.fired(NOW + 100, 2)
    assert [one.subject.subject for one in fired] == ["early", "middle"]


async def test_a_storm_counts_cancelled_timers_of_that_idp_too(store: Store) -> None:
    for number in range(3):
        await store.sessions.suspect(suspicion(f"person-{number}", started=NOW + number))
    await store.sessions.suspect(suspicion(idp=PARTNER))
    await store.sessions.clear_suspicion(subject("person-2"))
    assert await store.sessions.suspicions_since(CORP, NOW) == 3
    assert await store.sessions.suspicions_since(CORP, NOW + 1) == 2
    assert await store.sessions.suspicions_since(PARTNER, NOW) == 1


async def test_no_timer_of_a_frozen_idp_fires_and_others_do(store: Store) -> None:
    await store.sessions.suspect(suspicion())
    await store.sessions.suspect(suspicion(idp=PARTNER))
    await store.sessions.freeze(CORP, NOW + 500)
    assert await store.sessions.fired(NOW + 499, 10) == (suspicion(idp=PARTNER),)
    assert len(await store.sessions.fired(NOW + 500, 10)) == 2


async def test_a_shorter_freeze_does_not_thaw(store: Store) -> None:
    await store.sessions.suspect(suspicion())
    await store.sessions.freeze(CORP, NOW + 500)
    await store.sessions.freeze(CORP, NOW + 200)
    assert await store.sessions.fired(NOW + 300, 10) == ()
    await store.clean(NOW + 300)
    assert await store.sessions.fired(NOW + 300, 10) == ()


async def test_cleaning_keeps_timers_and_what_the_storm_is_measured_by(store: Store) -> None:
    await store.sessions.suspect(suspicion(after=5000))
    await store.clean(NOW + 600)
    assert await store.sessions.suspicions_since(CORP, NOW) == 1
    assert await store.sessions.fired(NOW + 5000, 10) == (suspicion(after=5000),)
