"""The courier brings the app to agree, and every ending of a visit is the one that the rules ask for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from proxy.errors import Unavailable
from proxy.groups.rules import AppGroupName, GroupRules, Link
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.courier import Courier
from proxy.provisioning.model import Binding, EntryState
from proxy.provisioning.outbox import Claim
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Pending, Ready
from tests.fakes.provisioning import NOW, Scene, known, link_rules, removed, subject, vouched

ENGINEERS = GroupRules(links=(Link(app_group=AppGroupName("engineers"), idp_groups=known("eng")),))
TROUBLE = AppTrouble(detail="HTTP 500")


@pytest.fixture
def scene() -> Scene:
    made = Scene(rules=CourierRules(link=link_rules(), groups=ENGINEERS, poll=0.02))
    made.app.group("engineers")
    return made


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so; a test that waits for five seconds has failed."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(courier: Courier) -> AsyncIterator[Courier]:
    loop = asyncio.create_task(courier.run())
    try:
        yield courier
    finally:
        await courier.stop(seconds=2)
        await loop


async def test_a_first_visit_makes_one_account_joined_to_its_groups_before_it_returns(scene: Scene) -> None:
    await scene.note(vouched(groups=known("eng")))
    state = await scene.courier().visit_now(subject())
    assert state == Ready(login="ada", account_id="1")
    assert scene.operations() == ["create", "join"]
    assert scene.app.groups_of("ada") == {"engineers"}
    assert scene.told[subject()] == state
    assert scene.entry().state is EntryState.DONE


async def test_twenty_parallel_first_visits_make_one_account(scene: Scene) -> None:
    await scene.note(vouched(groups=known("eng")))
    couriers = [scene.courier(), scene.courier()]
    states = await asyncio.gather(*(couriers[number % 2].visit_now(subject()) for number in range(20)))
    assert set(states) == {Ready(login="ada", account_id="1")}
    assert scene.operations().count("create") == 1
    assert len(scene.app.accounts) == 1


async def test_somebody_who_signs_in_again_is_looked_at_in_the_app_even_if_nothing_new_was_stated(
    scene: Scene,
) -> None:
    await scene.note(vouched(groups=known("eng")))
    courier = scene.courier()
    await courier.visit_now(subject())
    scene.app.accounts[scene.app.by_login("ada").id] = replace(scene.app.by_login("ada"), is_active=False)
    assert await courier.visit_now(subject()) == Ready(login="ada", account_id="1")
    assert scene.app.by_login("ada").is_active


async def test_a_visit_that_takes_too_long_leaves_a_newcomer_pending_and_goes_on(scene: Scene) -> None:
    scene.app.gate = asyncio.Event()
    await scene.note(vouched())
    courier = scene.courier()
    assert await courier.visit_now(subject(), seconds=0.02) == Pending()
    scene.app.gate.set()
    await until(lambda: scene.told.get(subject()) == Ready(login="ada", account_id="1"))
    await courier.stop()


async def test_a_member_whose_app_hangs_is_ready_with_what_was_last_applied(scene: Scene) -> None:
    scene.app.add("ada")
    await scene.bind()
    await scene.note(vouched(groups=known("eng")))
    scene.app.gate = asyncio.Event()
    courier = scene.courier()
    assert await courier.visit_now(subject(), seconds=0.02) == Ready(login="ada", account_id="1")
    scene.app.gate.set()
    await courier.stop()


async def test_a_member_whose_app_is_down_is_ready_and_the_entry_waits(scene: Scene) -> None:
    scene.app.add("ada")
    await scene.bind()
    await scene.note(vouched(groups=known("eng")))
    scene.app.forever["account"] = TROUBLE
    assert await scene.courier().visit_now(subject()) == Ready(login="ada", account_id="1")
    entry = scene.entry()
    assert (entry.state, entry.reason, entry.attempts) == (EntryState.OPEN, Reason.APP_TROUBLE, 1)
    assert entry.next_attempt_at > NOW


async def test_a_newcomer_whose_app_is_down_is_pending(scene: Scene) -> None:
    await scene.note(vouched())
    scene.app.forever["search"] = TROUBLE
    assert await scene.courier().visit_now(subject()) == Pending(reason=Reason.APP_TROUBLE)
    assert scene.entry().state is EntryState.OPEN


async def test_the_background_carries_out_what_was_noted_and_tells_the_sessions(scene: Scene) -> None:
    async with running(scene.courier()) as courier:
        await scene.note(vouched(groups=known("eng")))
        courier.wake()
        await until(lambda: subject() in scene.told)
    assert scene.told[subject()] == Ready(login="ada", account_id="1")


async def test_the_background_tries_again_when_the_time_has_come_and_not_before(scene: Scene) -> None:
    scene.app.fail("search", AppTrouble(detail="HTTP 503"))
    await scene.note(vouched())
    async with running(scene.courier()) as courier:
        await until(lambda: bool(scene.reasons("retry")))
        courier.wake()
        await asyncio.sleep(0.05)
        assert scene.operations() == []
        scene.now += 60
        courier.wake()
        await until(lambda: scene.told.get(subject()) == Ready(login="ada", account_id="1"))


async def test_one_persons_trouble_does_not_hold_up_others(scene: Scene) -> None:
    for name in ("ada", "bob", "cyd"):
        await scene.note(vouched(name))
    scene.app.fail("search", AppRefusal(reason=Reason.APP_REFUSED, detail="HTTP 422"))
    async with running(scene.courier()):
        await until(lambda: len(scene.app.accounts) == 2 and bool(scene.reasons("park")))
    assert sorted(one.login for one in scene.app.accounts.values()) == ["bob", "cyd"]


async def test_bulk_work_cannot_take_the_lane_of_those_who_sign_in(scene: Scene) -> None:
    scene.rules = replace(scene.rules, bulk_slots=2)
    for number in range(6):
        await scene.note(vouched(f"bulk{number}"))
    scene.app.gate = asyncio.Event()
    async with running(scene.courier()) as courier:
        await until(lambda: scene.app.in_flight == 2)
        await scene.note(vouched("ada"))
        arriving = asyncio.create_task(courier.visit_now(subject()))
        await until(lambda: scene.app.in_flight == 3)
        assert scene.app.most_in_flight == 3
        scene.app.gate.set()
        assert isinstance(await arriving, Ready)


async def test_no_more_than_the_slots_are_visited_at_the_same_time(scene: Scene) -> None:
    scene.rules = replace(scene.rules, bulk_slots=3)
    for number in range(12):
        await scene.note(vouched(f"bulk{number}"))
    async with running(scene.courier()):
        await until(lambda: len(scene.app.accounts) == 12)
    assert scene.app.most_in_flight <= 3


async def test_nothing_is_claimed_for_which_there_is_no_slot(scene: Scene) -> None:
    """A claim without a visit would be renewed by nobody, and keep other replicas from the entry."""
    scene.rules = replace(scene.rules, bulk_slots=2)
    for number in range(6):
        await scene.note(vouched(f"bulk{number}"))
    scene.app.gate = asyncio.Event()
    async with running(scene.courier()) as courier:
        await until(lambda: scene.app.in_flight == 2)
        courier.wake()
        await asyncio.sleep(0.03)
        assert len(scene.store.claims) == 2
        scene.app.gate.set()
        await until(lambda: len(scene.app.accounts) == 6)


async def test_an_app_that_asks_for_time_is_left_alone_by_the_background(scene: Scene) -> None:
    await scene.note(vouched("ada"))
    scene.app.fail("search", AppTrouble(detail="HTTP 429", retry_after=30))
    async with running(scene.courier()) as courier:
        await until(lambda: bool(scene.reasons("retry")))
        await scene.note(vouched("bob"))
        courier.wake()
        await asyncio.sleep(0.08)
        assert scene.operations() == []
        scene.now += 31
        await until(lambda: len(scene.app.accounts) == 2)


async def test_a_store_that_does_not_answer_stops_nothing_for_good(scene: Scene) -> None:
    await scene.note(vouched())
    scene.store.is_down = True
    async with running(scene.courier()):
        await asyncio.sleep(0.05)
        scene.store.is_down = False
        await until(lambda: subject() in scene.told)


async def test_a_store_that_does_not_answer_is_said_to_whoever_signs_in(scene: Scene) -> None:
    scene.store.is_down = True
    with pytest.raises(Unavailable):
        await scene.courier().visit_now(subject())


async def test_a_mistake_of_ours_is_one_persons_and_is_tried_again(scene: Scene) -> None:
    def stumble(name: str) -> None:
        if name == "searched":
            raise ValueError("a bug")

    await scene.note(vouched())
    assert await scene.courier(stumble).visit_now(subject()) == Pending()
    entry = scene.entry()
    assert (entry.state, entry.reason, entry.detail) == (
        EntryState.OPEN,
        Reason.INTERNAL_ERROR,
        "a mistake of ours: ValueError",
    )


async def test_stopping_gives_claims_back_at_once(scene: Scene) -> None:
    scene.app.gate = asyncio.Event()
    await scene.note(vouched())
    async with running(courier := scene.courier()):
        await until(lambda: scene.app.in_flight == 1)
        await courier.stop(seconds=0)
    assert scene.store.claims == {}
    scene.app.gate = None
    assert isinstance(await scene.courier().visit_now(subject()), Ready)


async def test_a_claim_is_renewed_while_its_visit_lasts(scene: Scene) -> None:
    scene.rules = replace(scene.rules, claim_renewed_every=0.01)
    scene.app.gate = asyncio.Event()
    await scene.note(vouched())
    courier = scene.courier()
    arriving = asyncio.create_task(courier.visit_now(subject()))
    await until(lambda: scene.app.in_flight == 1)
    scene.now += 15
    await until(lambda: next(iter(scene.store.claims.values())).until == scene.now + 20)
    scene.app.gate.set()
    assert isinstance(await arriving, Ready)


async def test_a_visit_that_lost_its_claim_stops_where_it_stands(scene: Scene) -> None:
    scene.rules = replace(scene.rules, claim_renewed_every=0.01)
    entry = await scene.note(vouched())
    scene.app.gate = asyncio.Event()
    courier = scene.courier()
    claim = await scene.store.claim(holder="first", now=scene.now, seconds=20)
    assert claim is not None
    visiting = asyncio.create_task(courier.visit(claim))
    await until(lambda: scene.app.in_flight == 1)
    scene.now += 21
    assert await scene.store.claim(holder="second", now=scene.now, seconds=20, entry_id=entry.id)
    visited = await visiting
    assert visited.is_lost
    assert scene.operations() == []


async def test_a_visit_that_takes_for_ever_is_given_up_and_tried_again(scene: Scene) -> None:
    scene.rules = replace(scene.rules, visit_seconds=0.02)
    await scene.note(vouched())
    scene.app.gate = asyncio.Event()
    claim = await scene.store.claim(holder="one", now=scene.now, seconds=20)
    assert claim is not None
    visited = await scene.courier().visit(claim)
    assert (visited.state, visited.reason) == (EntryState.OPEN, Reason.APP_TROUBLE)
    assert scene.store.claims == {}


async def test_a_statement_that_comes_during_a_visit_leaves_the_entry_open(scene: Scene) -> None:
    await scene.note(vouched(groups=known("eng")))
    claim = await scene.store.claim(holder="one", now=scene.now, seconds=20)
    assert claim is not None
    await scene.note(vouched(groups=known(), at=NOW + 1))
    visited = await scene.courier().visit(claim)
    assert visited.state is EntryState.OPEN
    await scene.courier().visit_now(subject())
    assert scene.app.groups_of("ada") == set()


async def test_whoever_arrives_during_a_visit_waits_for_one_that_knows_their_statement(scene: Scene) -> None:
    scene.app.add("ada")
    await scene.bind()
    await scene.note(vouched(groups=known("eng")))
    scene.app.gate = asyncio.Event()
    courier = scene.courier()
    first = asyncio.create_task(courier.visit_now(subject()))
    await until(lambda: scene.app.in_flight == 1)
    await scene.note(removed(at=NOW + 1))
    second = asyncio.create_task(courier.visit_now(subject()))
    await asyncio.sleep(0)
    scene.app.gate.set()
    assert await first == Ready(login="ada", account_id="1")
    assert await second == AccountRefused(reason=Reason.IDP_DENIED)
    assert scene.operations() == ["join", "archive"]


async def test_whoever_arrives_during_a_visit_begins_no_other(scene: Scene) -> None:
    """One slot is enough for twenty arrivals: they wait for the visit, not for a slot."""
    claims: list[str] = []
    original = scene.store.claim

    async def counted(
        *, holder: str, now: float, seconds: float, entry_id: int | None = None
    ) -> Claim | None:
        claims.append(holder)
        return await original(holder=holder, now=now, seconds=seconds, entry_id=entry_id)

    scene.store.claim = counted  # type: ignore[method-assign]  # to count
    await scene.note(vouched())
    scene.app.gate = asyncio.Event()
    courier = scene.courier()
    arriving = [asyncio.create_task(courier.visit_now(subject())) for _ in range(20)]
    await until(lambda: scene.app.in_flight == 1)
    scene.app.gate.set()
    await asyncio.gather(*arriving)
    assert len(claims) == 1


async def test_somebody_whose_changes_are_held_gets_in_and_their_session_hears_it(scene: Scene) -> None:
    scene.app.add("ada", groups=("engineers",))
    await scene.bind()
    scene.store.latches.add("link:engineers")
    await scene.note(vouched(groups=known()))
    courier = scene.courier()
    await courier.visit_now(subject())
    assert scene.entry().state is EntryState.HELD
    scene.told.clear()
    assert await courier.visit_now(subject()) == Ready(login="ada", account_id="1")
    assert scene.told == {subject(): Ready(login="ada", account_id="1")}


async def test_nothing_asked_for_is_no_account(scene: Scene) -> None:
    assert await scene.courier().visit_now(subject()) == AccountRefused(reason=Reason.NOT_INVITED)


async def test_the_switch_turns_creating_off_and_on_while_running(scene: Scene) -> None:
    courier = scene.courier()
    courier.switch_provisioning(False)
    assert not courier.is_provisioning_on
    await scene.note(vouched())
    assert await courier.visit_now(subject()) == AccountRefused(reason=Reason.PROVISIONING_OFF)
    courier.switch_provisioning(True)
    await scene.note(vouched(at=NOW + 1))
    assert isinstance(await courier.visit_now(subject()), Ready)


async def test_somebody_removed_is_blocked_before_the_app_hears_of_it(scene: Scene) -> None:
    scene.app.add("ada")
    await scene.bind()
    await scene.note(removed())
    seen: list[Binding] = []

    def look(name: str) -> None:
        if name == "read":
            seen.append(scene.store.bound[subject()])

    state = await scene.courier(look).visit_now(subject())
    assert state == AccountRefused(reason=Reason.IDP_DENIED)
    assert [one.is_blocked for one in seen] == [True]
    assert scene.operations() == ["archive"]
    assert not scene.app.by_login("ada").is_active


async def test_adopted_rules_hold_for_the_next_visit() -> None:
    scene = Scene()
    scene.app.add_group("team")
    courier = scene.courier()
    link = Link(app_group=AppGroupName("team"), idp_groups=known("a"))
    await scene.note(vouched(groups=known("a")))
    await courier.visit_now(subject())
    assert scene.app.groups_of("ada") == set()
    courier.adopt(replace(courier.rules, groups=GroupRules(links=(link,))))
    assert courier.has_adopted
    await scene.store.reopen(None, EntryState.DONE, scene.now)
    await courier.visit_now(subject())
    assert scene.app.groups_of("ada") == {"team"}
    await courier.stop()
