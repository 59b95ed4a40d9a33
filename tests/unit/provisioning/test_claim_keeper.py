"""A claim lives as long as its visit, and a visit no longer than its claim."""

import asyncio
from dataclasses import replace

import pytest

from proxy.provisioning.claim_keeper import keep_claim
from proxy.provisioning.kit import Kit, Visited
from proxy.provisioning.model import EntryState
from proxy.provisioning.outbox import Claim
from proxy.reasons import Reason
from proxy.session.model import Pending
from tests.fakes.provisioning import Scene, vouched

DONE = Visited(account=Pending(), state=EntryState.DONE, version=1, reason=Reason.APPLIED)


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.rules = replace(made.rules, claim_renewed_every=0.005, visit_seconds=5.0)
    return made


async def claimed(scene: Scene) -> tuple[Kit, Claim]:
    await scene.note(vouched())
    claim = await scene.store.claim(holder="one", now=scene.now, seconds=20)
    assert claim is not None
    return scene.courier()._kit, claim


async def at_once() -> Visited:
    return DONE


async def for_ever() -> Visited:
    await asyncio.Event().wait()
    return DONE


async def test_the_visits_outcome_comes_out(scene: Scene) -> None:
    kit, claim = await claimed(scene)
    assert await keep_claim(kit, claim, at_once()) == DONE


async def test_a_visit_whose_claim_was_taken_is_stopped(scene: Scene) -> None:
    kit, claim = await claimed(scene)
    scene.store.claims.clear()
    visited = await keep_claim(kit, claim, for_ever())
    assert (visited.is_lost, visited.state) == (True, None)


async def test_a_store_that_does_not_answer_is_asked_again_until_the_claim_has_run_out(scene: Scene) -> None:
    kit, claim = await claimed(scene)
    scene.store.is_down = True
    visiting = asyncio.create_task(keep_claim(kit, claim, for_ever()))
    await asyncio.sleep(0.03)
    assert not visiting.done()
    scene.now += 20
    assert (await visiting).is_lost


async def test_a_visit_without_end_is_stopped_and_its_entry_tried_again(scene: Scene) -> None:
    scene.rules = replace(scene.rules, visit_seconds=0.02)
    kit, claim = await claimed(scene)
    visited = await keep_claim(kit, claim, for_ever())
    assert (visited.is_lost, visited.state, visited.detail) == (
        False,
        EntryState.OPEN,
        "the visit took too long",
    )
    assert scene.entry().next_attempt_at == scene.now + 5


async def test_a_mistake_in_a_visit_comes_out(scene: Scene) -> None:
    async def stumble() -> Visited:
        raise ValueError("a bug")

    kit, claim = await claimed(scene)
    with pytest.raises(ValueError, match="a bug"):
        await keep_claim(kit, claim, stumble())
