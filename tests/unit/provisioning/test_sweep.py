"""Looks at whole groups: the difference is found, the courier carries it out, and a second look changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName, GroupRules, Link, LinkMode, UnknownMembers
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.guard import GuardRules
from proxy.provisioning.holding import drop, held_scopes, release
from proxy.provisioning.model import EntryState
from proxy.provisioning.report import Kind, Report
from proxy.provisioning.rules import CourierRules
from proxy.provisioning.sweep import Sweep
from proxy.reasons import Reason
from tests.fakes.app_admin import FULL, FakeApp
from tests.fakes.provisioning import NOW, Scene, known, link_rules, removed, vouched

ENGINEERS = AppGroupName("engineers")
LINKED = GroupRules(
    links=(
        Link(app_group=ENGINEERS, idp_groups=known("eng")),
        Link(app_group=AppGroupName("sales"), idp_groups=known("sales")),
    )
)
REMOVE = replace(LINKED, unknown_members=UnknownMembers.REMOVE)
SHAPES = {
    "lists accounts with their groups": FakeApp(capabilities=replace(FULL, can_list_accounts=True)),
    "lists accounts without groups": FakeApp(
        capabilities=replace(FULL, can_list_accounts=True), shows_groups=False
    ),
    "lists members only": FakeApp(),
    "lists neither": FakeApp(capabilities=replace(FULL, can_list_members=False)),
}


def scene_of(app: FakeApp | None = None, rules: GroupRules = LINKED) -> Scene:
    scene = Scene(
        app=app or FakeApp(capabilities=replace(FULL, can_list_accounts=True)),
        rules=CourierRules(link=link_rules(), groups=rules, poll=0.01),
    )
    for name in ("engineers", "sales", "chess"):
        scene.app.group(name)
    return scene


async def member(scene: Scene, name: str, idp_groups: tuple[str, ...], app_groups: tuple[str, ...]) -> None:
    """Somebody bound and settled, whose account is in these groups now."""
    scene.app.add(name, groups=app_groups)
    await scene.bind(name)
    entry = await scene.note(vouched(name, known(*idp_groups)))
    claim = await scene.store.claim(holder="test", now=scene.now, seconds=20, entry_id=entry.id)
    assert claim is not None
    await scene.store.ack(claim, now=scene.now)


@asynccontextmanager
async def sweeping(scene: Scene) -> AsyncIterator[Sweep]:
    """A sweep beside a running courier."""
    courier = scene.courier()
    running = asyncio.create_task(courier.run())
    try:
        yield Sweep(lambda: courier.kit, courier.wake, patience=5)
    finally:
        await courier.stop()
        await running


async def everybody(scene: Scene, *, is_dry_run: bool = False) -> Report:
    async with sweeping(scene) as sweep:
        report = await sweep.everybody(is_dry_run=is_dry_run)
    assert isinstance(report, Report)
    return report


async def push(scene: Scene, name: str = "engineers", *, is_dry_run: bool = False) -> Report:
    async with sweeping(scene) as sweep:
        report = await sweep.group(AppGroupName(name), is_dry_run=is_dry_run)
    assert isinstance(report, Report)
    return report


def lines(report: Report, kind: Kind) -> list[tuple[str, str, str]]:
    return sorted((one.login, one.what, one.about) for one in report.lines if one.kind is kind)


def fresh(app: FakeApp) -> FakeApp:
    return FakeApp(capabilities=app.capabilities, shows_groups=app.shows_groups)


@pytest.mark.parametrize("shape", list(SHAPES.values()), ids=list(SHAPES))
async def test_manual_edits_are_undone_whatever_the_app_can_list_and_the_second_look_changes_nothing(
    shape: FakeApp,
) -> None:
    scene = scene_of(fresh(shape))
    await member(scene, "ada", ("eng",), ("chess",))
    await member(scene, "bob", ("sales",), ("engineers", "sales"))
    await member(scene, "kim", ("eng",), ("engineers",))
    report = await everybody(scene)
    assert lines(report, Kind.CHANGE) == [("ada", "join", "engineers"), ("bob", "leave", "engineers")]
    assert (report.looked_at, report.agree) == (3, 1)
    assert scene.app.groups_of("ada") == {"engineers", "chess"}
    assert scene.app.groups_of("bob") == {"sales"}
    scene.app.calls.clear()
    again = await everybody(scene)
    assert scene.operations() == []
    assert (again.agree, again.needs_attention) == (3, False)


@pytest.mark.parametrize("shape", list(SHAPES.values()), ids=list(SHAPES))
async def test_a_dry_run_says_the_same_and_changes_nothing(shape: FakeApp) -> None:
    scene = scene_of(fresh(shape))
    await member(scene, "ada", ("eng",), ())
    await member(scene, "bob", (), ("engineers",))
    report = await everybody(scene, is_dry_run=True)
    assert lines(report, Kind.CHANGE) == [("ada", "join", "engineers"), ("bob", "leave", "engineers")]
    assert scene.operations() == []
    assert scene.entry("ada").state is EntryState.DONE
    assert scene.store.counted == {}


async def test_each_linked_group_is_read_once_and_no_account_where_the_app_lists_them() -> None:
    scene = scene_of(FakeApp(capabilities=replace(FULL, can_list_accounts=True), shows_groups=False))
    for number in range(30):
        await member(scene, f"person{number}", ("eng",), ("engineers",))
    report = await everybody(scene)
    assert report.agree == 30
    assert sorted(scene.app.calls) == ["groups", "list_accounts", "members", "members", "whoami"]


async def test_somebody_archived_in_the_app_stays_so_and_is_reported() -> None:
    scene = scene_of()
    await member(scene, "ada", ("eng",), ())
    ada = scene.app.by_login("ada")
    scene.app.accounts[ada.id] = replace(ada, is_active=False)
    report = await everybody(scene)
    assert lines(report, Kind.KEPT) == [("ada", "archived_in_app", "")]
    assert scene.operations() == []


async def test_somebody_gone_whose_account_was_switched_on_by_hand_is_archived_again() -> None:
    scene = scene_of()
    await member(scene, "ada", ("eng",), ("engineers",))
    await scene.note(removed("ada", at=NOW + 1))
    await scene.courier().visit_now(scene.entry("ada").statements[0].subject)
    ada = scene.app.by_login("ada")
    scene.app.accounts[ada.id] = replace(ada, is_active=True)
    report = await everybody(scene)
    assert lines(report, Kind.CHANGE) == [("ada", "archive", "archive")]
    assert not scene.app.by_login("ada").is_active


async def test_whose_groups_were_never_stated_is_left_in_and_reported() -> None:
    scene = scene_of()
    await member(scene, "ada", (), ("engineers",))
    entry = scene.entry("ada")
    scene.store.entries_by_id[entry.id] = replace(
        entry, statements=(replace(vouched("ada"), not_stated_since=NOW),)
    )
    report = await everybody(scene)
    assert lines(report, Kind.KEPT) == [("ada", "not_stated", "groups")]
    assert scene.app.groups_of("ada") == {"engineers"}


async def test_unknown_members_are_kept_and_reported_by_default() -> None:
    scene = scene_of()
    scene.app.add("guest", groups=("engineers", "chess"))
    report = await everybody(scene)
    assert lines(report, Kind.KEPT) == [("guest", "unknown_member", "engineers")]
    assert scene.operations() == []
    assert not report.needs_attention


@pytest.mark.parametrize("is_pushed", [True, False])
async def test_unknown_members_are_put_out_where_the_operator_says_so(is_pushed: bool) -> None:
    scene = scene_of(rules=REMOVE)
    scene.app.add("guest", groups=("engineers", "chess"))
    report = await (push(scene) if is_pushed else everybody(scene))
    assert lines(report, Kind.CHANGE) == [("guest", "leave", "engineers")]
    assert scene.app.groups_of("guest") == {"chess"}
    assert scene.reasons("leave") == [Reason.UNKNOWN_MEMBER]


async def test_owners_and_protected_accounts_are_left_in_whoever_vouches_for_them() -> None:
    scene = scene_of(rules=REMOVE)
    scene.rules = replace(scene.rules, link=link_rules(protected=frozenset({"carol"})))
    scene.app.add("boss", groups=("engineers",), is_admin=True)
    scene.app.add("carol", groups=("engineers",))
    scene.app.own = scene.app.add("robot", groups=("engineers",)).id
    report = await everybody(scene)
    assert scene.operations() == []
    assert sorted((one.login, one.reason) for one in report.lines) == [
        ("boss", Reason.OWNER_LEFT_ALONE),
        ("carol", Reason.PROTECTED_LEFT_ALONE),
        ("robot", Reason.PROTECTED_LEFT_ALONE),
    ]


async def test_putting_out_goes_through_the_guard_and_a_release_lets_the_next_look_finish() -> None:
    scene = scene_of(rules=REMOVE)
    for number in range(6):
        scene.app.add(f"guest{number}", groups=("engineers",))
    report = await everybody(scene)
    assert (report.count(Kind.CHANGE), report.count(Kind.HELD)) == (3, 3)
    assert report.held_scopes == ("link:engineers",)
    assert await held_scopes(scene.store) == ("link:engineers",)
    assert Reason.GUARD_TRIPPED in scene.reasons("alarm")
    scene.app.calls.clear()
    await everybody(scene)
    assert scene.operations() == []
    assert await release("link:engineers", scene.store, scene.store, scene.now) == 3
    await everybody(scene)
    assert scene.operations() == ["leave"] * 3
    assert scene.store.latches == set()


async def test_what_is_dropped_is_found_again_by_the_next_look_and_counted_anew() -> None:
    scene = scene_of(rules=REMOVE)
    for number in range(4):
        scene.app.add(f"guest{number}", groups=("engineers",))
    await everybody(scene)
    assert await drop("link:engineers", scene.store, scene.store, scene.now) == 1
    assert scene.store.latches == set()


async def test_a_dry_run_says_which_scopes_it_would_latch() -> None:
    scene = scene_of(rules=REMOVE)
    for number in range(4):
        scene.app.add(f"guest{number}", groups=("engineers",))
    report = await everybody(scene, is_dry_run=True)
    assert (report.held_scopes, report.would_hold) == ((), ("link:engineers",))
    assert report.needs_attention
    assert scene.store.latches == set()
    await everybody(scene)
    again = await everybody(scene, is_dry_run=True)
    assert (again.held_scopes, again.would_hold) == (("link:engineers",), ()), "what is held is not to come"


async def test_what_was_dropped_is_left_by_a_sweep_and_taken_up_by_a_push_that_an_operator_asks_for() -> None:
    scene = scene_of()
    scene.rules = replace(scene.rules, guard=GuardRules(least_of_link=1, share_of_link=0.0))
    for number in range(2):
        await member(scene, f"person{number}", (), ("engineers",))
    await everybody(scene)
    assert await drop("link:engineers", scene.store, scene.store, scene.now) == 1
    report = await everybody(scene)
    assert report.count(Kind.KEPT, "dropped") == 1
    assert scene.operations() == ["leave"]
    async with sweeping(scene) as sweep:
        pushed = await sweep.group(ENGINEERS, is_dry_run=False)
    assert isinstance(pushed, Report)
    assert pushed.changes == 1
    assert scene.operations() == ["leave", "leave"]


async def test_what_the_apps_api_refused_is_tried_by_a_sweep_and_what_is_about_a_person_is_not() -> None:
    scene = scene_of()
    await member(scene, "ada", ("eng",), ())
    await member(scene, "bob", ("eng",), ("engineers",))
    for name in ("ada", "bob"):
        entry = scene.entry(name)
        parked = replace(entry, state=EntryState.PARKED, reason=Reason.APP_REFUSED, detail="404")
        scene.store.entries_by_id[entry.id] = parked
    await everybody(scene, is_dry_run=True)
    assert scene.entry("bob").state is EntryState.PARKED
    report = await everybody(scene)
    assert (report.count(Kind.SKIPPED), report.changes) == (0, 1)
    assert scene.app.groups_of("ada") == {"engineers"}
    assert {scene.entry(name).state for name in ("ada", "bob")} == {EntryState.DONE}


async def test_members_who_lose_too_much_at_once_are_held_as_at_any_visit() -> None:
    scene = scene_of()
    scene.rules = replace(scene.rules, guard=GuardRules(least_of_link=1, share_of_link=0.0))
    for number in range(3):
        await member(scene, f"person{number}", (), ("engineers",))
    report = await everybody(scene)
    assert report.count(Kind.HELD) == 2
    assert scene.operations() == ["leave"]
    again = await everybody(scene)
    assert again.count(Kind.HELD, "guard_tripped") == 2
    assert scene.operations() == ["leave"]


async def test_people_who_wait_already_are_told_of_and_not_begun_anew() -> None:
    scene = scene_of()
    await member(scene, "ada", ("eng",), ())
    entry = scene.entry("ada")
    scene.store.entries_by_id[entry.id] = replace(
        entry, state=EntryState.PARKED, reason=Reason.LOGIN_TAKEN, detail="x"
    )
    report = await everybody(scene)
    assert lines(report, Kind.SKIPPED) == [("ada", "login_taken", "")]
    assert scene.entry("ada").state is EntryState.PARKED


async def test_an_app_that_cannot_be_read_whole_changes_nothing() -> None:
    for call in ("groups", "whoami", "members", "list_accounts"):
        scene = scene_of(
            FakeApp(capabilities=replace(FULL, can_list_accounts=True), shows_groups=False), REMOVE
        )
        await member(scene, "ada", ("eng",), ())
        scene.app.add("guest", groups=("engineers",))
        scene.app.forever[call] = AppTrouble(detail="HTTP 503")
        async with sweeping(scene) as sweep:
            assert isinstance(await sweep.everybody(is_dry_run=False), AppTrouble)
        assert scene.operations() == [], call


async def test_one_account_that_cannot_be_read_is_skipped_and_the_others_are_not() -> None:
    scene = scene_of(FakeApp())
    for name in ("ada", "bob"):
        await member(scene, name, ("eng",), ("engineers",))
    scene.app.fail("account", AppTrouble(detail="HTTP 500"))
    report = await everybody(scene)
    assert (report.agree, report.count(Kind.SKIPPED, "app_trouble")) == (1, 1)


async def test_work_that_the_courier_does_not_get_done_is_reported_as_left() -> None:
    scene = scene_of()
    await member(scene, "ada", ("eng",), ())
    courier = scene.courier()
    report = await Sweep(lambda: courier.kit, courier.wake, patience=0.05).everybody(is_dry_run=False)
    assert isinstance(report, Report)
    assert report.count(Kind.SKIPPED, "being_set_up") == 1


async def test_a_push_looks_at_one_group_and_visits_whom_it_concerns() -> None:
    scene = scene_of()
    await member(scene, "ada", ("eng",), ())
    await member(scene, "bob", (), ("engineers",))
    await member(scene, "kim", ("sales",), ())
    report = await push(scene)
    assert lines(report, Kind.CHANGE) == [("ada", "join", "engineers"), ("bob", "leave", "engineers")]
    assert (report.groups, report.looked_at) == (1, 2)
    assert scene.app.groups_of("kim") == set()
    assert scene.app.calls.count("list_accounts") == 0


async def test_a_push_of_what_nobody_linked_or_the_app_does_not_have_is_refused() -> None:
    rules = replace(
        LINKED, links=(*LINKED.links, Link(app_group=AppGroupName("gone"), idp_groups=known("g")))
    )
    off = Link(app_group=AppGroupName("chess"), idp_groups=known("c"), mode=LinkMode.OFF)
    scene = scene_of(rules=replace(rules, links=(*rules.links, off)))
    async with sweeping(scene) as sweep:
        for name, reason in (
            ("nobody linked this", Reason.NO_MATCH),
            ("chess", Reason.NO_MATCH),
            ("gone", Reason.APP_GROUP_MISSING),
        ):
            answer = await sweep.group(AppGroupName(name), is_dry_run=False)
            assert isinstance(answer, AppRefusal)
            assert answer.reason is reason


async def test_a_watched_group_is_looked_at_and_nothing_is_changed() -> None:
    observed = replace(LINKED, links=(replace(LINKED.links[0], mode=LinkMode.OBSERVE),))
    scene = scene_of(rules=observed)
    await member(scene, "ada", ("eng",), ())
    scene.app.add("guest", groups=("engineers",))
    report = await everybody(scene)
    assert lines(report, Kind.KEPT) == [("ada", "observed_only", "engineers")]
    assert scene.operations() == []


async def test_progress_is_told_to_the_end() -> None:
    scene = scene_of(FakeApp())
    await member(scene, "ada", ("eng",), ())
    told: list[tuple[str, int, int]] = []
    async with sweeping(scene) as sweep:
        await sweep.everybody(is_dry_run=False, progress=lambda *one: told.append(one))
    assert ("groups", 2, 2) in told
    assert ("people", 1, 1) in told
    assert told[-1] == ("visits", 1, 1)


async def test_the_sweep_counts_seats_anew() -> None:
    scene = scene_of()
    scene.rules = replace(scene.rules, seats=5)
    scene.app.add("carol")
    await everybody(scene, is_dry_run=True)
    assert scene.store.counted_at is None
    await everybody(scene)
    assert await scene.store.count_seats(NOW) == 1
