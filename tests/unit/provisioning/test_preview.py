"""A preview says what a visit would do, and a visit then does exactly that; it changes nothing itself."""

from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName, GroupRules, Link
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.app_view import AppView
from proxy.provisioning.model import EntryState, Refused
from proxy.provisioning.performing import operation_name
from proxy.provisioning.preview import Preview, Previewed
from proxy.provisioning.rules import CourierRules
from proxy.reasons import Reason
from tests.fakes.app_admin import FULL
from tests.fakes.provisioning import JOIN, NOW, Scene, known, link_rules, removed, subject, vouched

TEAM = GroupRules(links=(Link(app_group=AppGroupName("team"), idp_groups=known("a")),))


async def scene_of(groups: GroupRules = TEAM, *, is_on: bool = True) -> Scene:
    """Ada is a member of no group, bound to her account."""
    scene = Scene(rules=CourierRules(link=link_rules(), groups=groups, is_provisioning_on=is_on))
    scene.app.add_group("team")
    scene.app.add("ada")
    await scene.bind("ada")
    return scene


async def previewed(scene: Scene) -> Previewed:
    preview = Preview(
        app=scene.app,
        view=AppView(scene.app, scene.rules.groups, lambda: scene.now),
        bindings=scene.store,
        rules=scene.rules,
    )
    found = await preview.of(scene.entry(), scene.store.bound[subject()])
    assert isinstance(found, Previewed), found
    return found


def names(found: Previewed) -> list[str]:
    return [operation_name(step.operation) for step in found.plan.steps]


async def test_what_is_previewed_is_what_the_visit_does() -> None:
    scene = await scene_of()
    await scene.note(vouched(groups=known("a")))
    before = dict(scene.app.accounts)
    found = await previewed(scene)
    assert names(found) == ["join"]
    assert scene.operations() == []
    assert scene.app.accounts == before
    assert scene.entry().state is EntryState.OPEN
    courier = scene.courier()
    await courier.visit_now(subject())
    await courier.stop()
    assert scene.operations() == ["join"]
    assert names(await previewed(scene)) == []


async def test_somebody_gone_would_be_archived() -> None:
    scene = await scene_of()
    await scene.note(removed(reason=Reason.ENDED_BY_OPERATOR))
    assert names(await previewed(scene)) == ["archive"]


async def test_somebody_denied_would_be_archived() -> None:
    scene = await scene_of()
    denying = replace(JOIN, deny=frozenset({"ada@example.com"}))
    scene.rules = replace(scene.rules, link=replace(scene.rules.link, join=denying))
    await scene.note(vouched())
    found = await previewed(scene)
    assert found.should == Refused(reason=Reason.DENY_LISTED)
    assert names(found) == ["archive"]


async def test_a_protected_account_would_be_left_alone() -> None:
    scene = await scene_of()
    scene.rules = replace(scene.rules, link=replace(scene.rules.link, protected=frozenset({"ada"})))
    await scene.note(removed())
    found = await previewed(scene)
    assert names(found) == []
    assert [note.reason for note in found.plan.notes] == [Reason.PROTECTED_LEFT_ALONE]


@pytest.mark.parametrize(("others", "steps"), [((), []), (("bob",), ["archive"])])
async def test_the_last_administrator_is_the_same_one_as_in_a_visit(
    others: tuple[str, ...], steps: list[str]
) -> None:
    scene = await scene_of()
    scene.app.capabilities = replace(FULL, can_list_accounts=True)
    scene.app.own = scene.app.add("robot", is_admin=True).id
    scene.app.accounts[scene.app.by_login("ada").id] = replace(scene.app.by_login("ada"), is_admin=True)
    for name in others:
        scene.app.add(name, is_admin=True)
    await scene.note(removed())
    assert names(await previewed(scene)) == steps
    courier = scene.courier()
    await courier.visit_now(subject())
    await courier.stop()
    assert scene.operations() == steps


@pytest.mark.parametrize(("is_on", "steps"), [(True, ["restore", "join"]), (False, [])])
async def test_without_provisioning_nobody_would_be_restored(is_on: bool, steps: list[str]) -> None:
    scene = await scene_of(is_on=is_on)
    member = scene.app.by_login("ada")
    scene.app.accounts[member.id] = replace(member, is_active=False)
    await scene.note(vouched(groups=known("a")))
    assert names(await previewed(scene)) == steps


async def test_an_account_that_the_app_does_not_show_is_said() -> None:
    scene = await scene_of()
    await scene.note(vouched())
    scene.app.accounts.clear()
    found = await previewed(scene)
    assert found.member is None
    assert names(found) == []


@pytest.mark.parametrize("call", ["groups", "account"])
async def test_an_app_in_trouble_is_a_value(call: str) -> None:
    scene = await scene_of()
    await scene.note(vouched())
    fault = AppTrouble(detail="HTTP 500")
    scene.app.fail(call, fault, fault)
    preview = Preview(
        app=scene.app,
        view=AppView(scene.app, scene.rules.groups, lambda: NOW),
        bindings=scene.store,
        rules=scene.rules,
    )
    found = await preview.of(scene.entry(), scene.store.bound[subject()])
    assert isinstance(found, AppTrouble | AppRefusal)


async def test_with_equal_names_groups_that_led_somebody_there_before_would_be_left() -> None:
    scene = await scene_of(GroupRules(is_same_name=True))
    member = scene.app.by_login("ada")
    team = scene.app.group("team")
    scene.app.memberships[team.id].add(member.id)
    await scene.note(vouched(groups=known()))
    assert names(await previewed(scene)) == [], "nobody was ever led there"
    await scene.store.set_memberships(member.id, frozenset({AppGroupName("team")}))
    assert names(await previewed(scene)) == ["leave"]
