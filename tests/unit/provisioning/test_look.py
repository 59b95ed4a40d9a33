"""Comparing a page of people: who is read for themselves, who is not, and what a dry run expects of the guard."""

from dataclasses import replace

from proxy.groups.rules import AppGroupName, GroupRules, Link
from proxy.provisioning.app_view import AppView
from proxy.provisioning.full_look import Whole
from proxy.provisioning.guard import GuardRules
from proxy.provisioning.look import Look
from proxy.provisioning.model import Entry, EntryState
from proxy.provisioning.rules import CourierRules
from proxy.provisioning.whole import Reading
from tests.fakes.app_admin import FULL, FakeApp
from tests.fakes.provisioning import NOW, Scene, known, link_rules, removed, vouched

TEAM = AppGroupName("team")
RULES = GroupRules(links=(Link(app_group=TEAM, idp_groups=known("t")),))


def scene_of(app: FakeApp) -> Scene:
    scene = Scene(
        app=app,
        rules=CourierRules(
            link=link_rules(), groups=RULES, guard=GuardRules(least_members=0, least_of_link=1)
        ),
    )
    scene.app.group("team")
    return scene


async def settled(scene: Scene, name: str, groups: tuple[str, ...], *, is_gone: bool = False) -> Entry:
    scene.app.add(name, groups=groups, is_active=not is_gone)
    await scene.bind(name)
    entry = await scene.note(removed(name) if is_gone else vouched(name, known()))
    done = replace(entry, state=EntryState.DONE)
    scene.store.entries_by_id[entry.id] = done
    return done


async def begun(scene: Scene) -> Look:
    kit = scene.courier().kit
    view = AppView(kit.app, kit.rules.groups, kit.clock)
    whole = await Reading(kit=kit, view=view, progress=lambda *_: None).everybody()
    assert isinstance(whole, Whole)
    scene.app.calls.clear()
    return Look.begun(kit, whole, None, True, lambda *_: None)


async def compared(scene: Scene, look: Look, *entries: Entry) -> list[int]:
    bound = {one.account_id: (one,) for one in await scene.store.all_bindings()}
    return await look.compare(entries, bound)


async def test_who_is_listed_is_not_read_again() -> None:
    scene = scene_of(FakeApp(capabilities=replace(FULL, can_list_accounts=True)))
    ada = await settled(scene, "ada", ("team",))
    look = await begun(scene)
    assert await compared(scene, look, ada) == [ada.id]
    assert scene.app.calls == []


async def test_who_should_be_gone_and_is_not_listed_is_not_asked_for() -> None:
    """Everybody who ever left would cost a call a day."""
    scene = scene_of(FakeApp(capabilities=replace(FULL, can_list_accounts=True)))
    ada = await settled(scene, "ada", (), is_gone=True)
    look = await begun(scene)
    look.whole = replace(look.whole, accounts={})
    assert await compared(scene, look, ada) == []
    assert (scene.app.calls, look.tally.agree) == ([], 1)


async def test_who_should_be_there_and_is_not_listed_is_read() -> None:
    scene = scene_of(FakeApp(capabilities=replace(FULL, can_list_accounts=True)))
    ada = await settled(scene, "ada", ())
    look = await begun(scene)
    look.whole = replace(look.whole, accounts={})
    assert await compared(scene, look, ada) == []
    assert scene.app.calls == ["account"]


async def test_reads_go_a_few_at_a_time() -> None:
    scene = scene_of(FakeApp())
    scene.rules = replace(scene.rules, bulk_slots=2)
    people = [await settled(scene, f"person{n}", ("team",)) for n in range(9)]
    look = await begun(scene)
    assert await compared(scene, look, *people) == [one.id for one in people]
    assert scene.app.most_in_flight == 2


async def test_people_without_an_account_are_no_business_of_a_look() -> None:
    scene = scene_of(FakeApp())
    newcomer = await scene.store.note(vouched("new", known("t")), NOW)
    look = await begun(scene)
    assert await compared(scene, look, newcomer) == []
    assert look.tally.looked_at == 0


async def test_what_this_look_alone_would_latch_is_known_before_it_is_done() -> None:
    scene = scene_of(FakeApp())
    people = [await settled(scene, f"person{n}", ("team",)) for n in range(2)]
    look = await begun(scene)
    await compared(scene, look, people[0])
    assert await look.would_hold() == {"idp:okta"}
    await compared(scene, look, people[1])
    assert await look.would_hold() == {"idp:okta", "link:team"}


async def test_a_look_at_everybody_leaves_the_last_administrator_beside_our_token_alone() -> None:
    scene = scene_of(FakeApp(capabilities=replace(FULL, can_list_accounts=True)))
    ada = await settled(scene, "ada", ("team",))
    account = scene.app.by_login("ada")
    scene.app.accounts[account.id] = replace(account, is_admin=True)
    scene.app.own = scene.app.add("robot", is_admin=True).id
    assert await compared(scene, await begun(scene), ada) == []
    scene.app.add("bob", is_admin=True)
    assert await compared(scene, await begun(scene), ada) == [ada.id]
