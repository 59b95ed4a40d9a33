"""What is read before anybody is compared: each list once, and half an answer is none."""

from dataclasses import replace

from proxy.groups.rules import AppGroupName, GroupRules, Link
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.app_view import AppView
from proxy.provisioning.full_look import Whole
from proxy.provisioning.rules import CourierRules
from proxy.provisioning.whole import Reading
from tests.fakes.app_admin import FULL, FakeApp
from tests.fakes.provisioning import Scene, known, link_rules

TEAM = AppGroupName("team")
RULES = GroupRules(links=(Link(app_group=TEAM, idp_groups=known("t")),))
LISTING = replace(FULL, can_list_accounts=True)


def reading(
    app: FakeApp, rules: GroupRules = RULES, told: list[tuple[str, int, int]] | None = None
) -> Reading:
    scene = Scene(app=app, rules=CourierRules(link=link_rules(), groups=rules, bulk_slots=3))
    kit = scene.courier().kit
    said = [] if told is None else told
    view = AppView(app, rules, kit.clock)
    return Reading(kit=kit, view=view, progress=lambda *one: said.append(one))


async def test_members_are_taken_from_a_list_of_accounts_that_shows_groups() -> None:
    app = FakeApp(capabilities=LISTING)
    ada = app.add("ada", groups=("team", "chess"))
    whole = await reading(app).everybody()
    assert isinstance(whole, Whole)
    assert [group.name for group in whole.looked] == ["team"]
    assert whole.groups_of(ada.id) == {app.group("team").id}
    assert "members" not in app.calls


async def test_a_list_that_hides_one_accounts_groups_is_not_taken_for_everybodys() -> None:
    app = FakeApp(capabilities=LISTING, shows_groups=False)
    ada = app.add("ada", groups=("team",))
    whole = await reading(app).everybody()
    assert isinstance(whole, Whole)
    assert whole.groups_of(ada.id) == {app.group("team").id}
    assert app.calls.count("members") == 1


async def test_many_groups_are_read_a_few_at_a_time_with_progress() -> None:
    app, told = FakeApp(), []  # type: tuple[FakeApp, list[tuple[str, int, int]]]
    names = [AppGroupName(f"team {n}") for n in range(7)]
    links = tuple(Link(app_group=name, idp_groups=known(name)) for name in names)
    ada = app.add("ada", groups=tuple(names[::2]))
    for name in names:
        app.group(name)
    whole = await reading(app, GroupRules(links=links), told).everybody()
    assert isinstance(whole, Whole)
    assert whole.groups_of(ada.id) == {app.group(name).id for name in names[::2]}
    assert app.most_in_flight == 3
    assert told == [("groups", 3, 7), ("groups", 6, 7), ("groups", 7, 7)]


async def test_one_groups_members_are_all_that_a_push_reads() -> None:
    app = FakeApp(capabilities=LISTING)
    app.add("ada", groups=("team",))
    whole = await reading(app).one_group(TEAM)
    assert isinstance(whole, Whole)
    assert whole.accounts is None
    assert sorted(app.calls) == ["groups", "members", "whoami"]


async def test_two_groups_of_one_name_mean_neither() -> None:
    app = FakeApp()
    app.add_group("team")
    app.add_group("team")
    answer = await reading(app).one_group(TEAM)
    assert isinstance(answer, AppRefusal)
    assert "2 groups" in answer.detail


async def test_an_app_that_cannot_list_members_has_no_push() -> None:
    app = FakeApp(capabilities=replace(FULL, can_list_members=False))
    app.group("team")
    assert isinstance(await reading(app).one_group(TEAM), AppRefusal)


async def test_a_fault_anywhere_is_the_answer() -> None:
    for call in ("groups", "whoami", "members"):
        app = FakeApp()
        app.group("team")
        app.forever[call] = AppTrouble(detail="HTTP 503")
        assert isinstance(await reading(app).everybody(), AppTrouble), call
        assert isinstance(await reading(app).one_group(TEAM), AppTrouble), call
