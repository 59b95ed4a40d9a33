"""What the guard holds is released for those it holds, or dropped; nobody else is let through."""

from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName, GroupRules, Link
from proxy.provisioning.guard import GuardRules
from proxy.provisioning.holding import drop, end_unlinked, held_scopes, release
from proxy.provisioning.model import EntryState
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from tests.fakes.provisioning import JOIN, NOW, Scene, known, link_rules, removed, subject, vouched

NAMES = [f"p{number}" for number in range(8)]
IDP = "idp:okta"


@pytest.fixture
async def scene() -> Scene:
    """Eight members of whom the IdP removes all; five may be archived within the hour."""
    made = Scene(rules=CourierRules(link=link_rules()))
    for name in NAMES:
        made.app.add(name)
        await made.bind(name)
        await made.note(removed(name))
    await carry_out(made)
    return made


async def carry_out(scene: Scene) -> None:
    courier = scene.courier()
    while claim := await scene.store.claim(holder="test", now=scene.now, seconds=20):
        await courier.visit(claim)


def active(scene: Scene) -> list[str]:
    return [name for name in NAMES if scene.app.by_login(name).is_active]


def states(scene: Scene) -> list[EntryState]:
    return [scene.entry(name).state for name in NAMES]


async def test_beyond_the_limit_everything_is_held_until_somebody_acts(scene: Scene) -> None:
    assert active(scene) == ["p5", "p6", "p7"]
    assert states(scene)[5:] == [EntryState.HELD] * 3
    scene.now += 7200
    await carry_out(scene)
    assert active(scene) == ["p5", "p6", "p7"], "a latch does not run out"
    assert await held_scopes(scene.store) == (IDP,)


async def test_release_carries_out_what_was_held_however_many(scene: Scene) -> None:
    assert await release(IDP, scene.store, scene.store, scene.now) == 3
    await carry_out(scene)
    assert active(scene) == []
    assert set(states(scene)) == {EntryState.DONE}
    assert scene.store.latches == set(), "what was released is spent"


async def test_release_lets_nobody_else_through(scene: Scene) -> None:
    await release(IDP, scene.store, scene.store, scene.now)
    await carry_out(scene)
    for number in range(8):
        scene.app.add(f"q{number}")
        await scene.bind(f"q{number}")
        await scene.note(removed(f"q{number}"))
    await carry_out(scene)
    left = [f"q{number}" for number in range(8) if scene.app.by_login(f"q{number}").is_active]
    assert left == ["q5", "q6", "q7"]


async def test_release_plans_again_from_the_truth(scene: Scene) -> None:
    await scene.note(vouched("p7", at=NOW + 1))
    await release(IDP, scene.store, scene.store, scene.now)
    await carry_out(scene)
    assert active(scene) == ["p7"]


async def test_drop_leaves_the_app_as_it_is_and_opens_the_scope(scene: Scene) -> None:
    assert await drop(IDP, scene.store, scene.store, scene.now) == 3
    await carry_out(scene)
    assert active(scene) == ["p5", "p6", "p7"]
    assert states(scene) == [EntryState.DONE] * 5 + [EntryState.DROPPED] * 3
    assert await held_scopes(scene.store) == ()
    assert all(scene.store.bound[subject(name)].is_blocked for name in NAMES), "and still nobody gets in"


async def test_what_an_operator_does_by_hand_goes_through_a_latched_scope_and_is_not_counted(
    scene: Scene,
) -> None:
    await scene.note(removed("p7", at=NOW + 1, reason=Reason.ENDED_BY_OPERATOR))
    await carry_out(scene)
    assert active(scene) == ["p5", "p6"]
    await drop(IDP, scene.store, scene.store, scene.now)
    for number in range(12):
        scene.app.add(f"q{number}")
        await scene.bind(f"q{number}")
        await scene.note(removed(f"q{number}", reason=Reason.ENDED_BY_OPERATOR))
    await carry_out(scene)
    assert not any(scene.app.by_login(f"q{number}").is_active for number in range(12))
    assert await held_scopes(scene.store) == ()


async def test_whoever_is_listed_as_denied_is_neither_held_nor_counted(scene: Scene) -> None:
    denied = [f"q{number}" for number in range(12)]
    deny = frozenset(f"{name}@example.com" for name in denied)
    link = link_rules(join=replace(JOIN, deny=deny))
    scene.rules = replace(scene.rules, link=link)
    for name in denied:
        scene.app.add(name)
        await scene.bind(name)
        await scene.note(vouched(name))
    await carry_out(scene)
    assert not any(scene.app.by_login(name).is_active for name in denied)


async def test_what_is_dropped_stays_dropped_until_somebody_says_something_else(scene: Scene) -> None:
    await drop(IDP, scene.store, scene.store, scene.now)
    await scene.note(removed("p7", at=NOW + 60))
    await scene.store.reopen(None, EntryState.DONE, scene.now)
    await carry_out(scene)
    assert active(scene) == ["p5", "p6", "p7"]
    await scene.note(removed("p6", at=NOW + 60, reason=Reason.DIRECTORY_GONE))
    await scene.note(vouched("p5", at=NOW + 60))
    await carry_out(scene)
    assert active(scene) == ["p5", "p7"]
    assert not scene.store.bound[subject("p5")].is_blocked


async def test_the_latch_of_a_link_that_is_no_more_ends_and_its_group_is_left_alone() -> None:
    linked = GroupRules(links=(Link(app_group=AppGroupName("team"), idp_groups=known("a")),))
    wide = GuardRules(least_members=100)
    scene = Scene(rules=CourierRules(link=link_rules(), groups=linked, guard=wide))
    names = [f"m{number}" for number in range(8)]
    for name in names:
        scene.app.add(name, groups=("team",))
        await scene.bind(name)
        await scene.note(vouched(name, known()))
    await carry_out(scene)
    held = [name for name in names if scene.entry(name).state is EntryState.HELD]
    assert len(held) > 0
    assert await end_unlinked(linked, scene.store, scene.store, scene.now) == ()
    assert await held_scopes(scene.store) == ("link:team",)
    scene.rules = replace(scene.rules, groups=GroupRules())
    assert await end_unlinked(GroupRules(), scene.store, scene.store, scene.now) == ("link:team",)
    await carry_out(scene)
    assert await held_scopes(scene.store) == ()
    assert set(held) <= {one for one in names if "team" in scene.app.groups_of(one)}
    assert {scene.entry(name).state for name in names} == {EntryState.DONE}


async def test_what_equal_names_may_lead_to_and_what_an_idp_holds_is_not_ended() -> None:
    scene = Scene()
    for scope in ("link:team", IDP):
        await scene.store.latch(scope, NOW)
    assert await end_unlinked(GroupRules(is_same_name=True), scene.store, scene.store, NOW) == ()
    assert await end_unlinked(GroupRules(), scene.store, scene.store, NOW) == ("link:team",)
    assert await held_scopes(scene.store) == (IDP,)


async def test_another_scope_is_not_touched(scene: Scene) -> None:
    assert await release("idp:google", scene.store, scene.store, scene.now) == 0
    assert await drop("link:team", scene.store, scene.store, scene.now) == 0
    assert states(scene)[5:] == [EntryState.HELD] * 3


async def test_a_link_is_measured_by_its_members_before_the_window() -> None:
    """Twenty members: six may leave within the hour, the seventh trips it."""
    link = Link(app_group=AppGroupName("team, red"), idp_groups=known("a"))
    wide = GuardRules(least_members=100)
    scene = Scene(rules=CourierRules(link=link_rules(), groups=GroupRules(links=(link,)), guard=wide))
    names = [f"m{number}" for number in range(20)]
    for name in names:
        scene.app.add(name, groups=("team, red",))
        await scene.bind(name)
        await scene.note(vouched(name, known("a")))
    await carry_out(scene)
    for name in names[:10]:
        await scene.note(vouched(name, known(), at=NOW + 1))
    await carry_out(scene)
    assert sum("team, red" in scene.app.groups_of(name) for name in names) == 14
    assert await held_scopes(scene.store) == ("link:team, red",)
    assert await release("link:team, red", scene.store, scene.store, scene.now) == 4
    await carry_out(scene)
    assert sum("team, red" in scene.app.groups_of(name) for name in names) == 10
