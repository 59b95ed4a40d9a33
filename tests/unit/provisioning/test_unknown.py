"""One member nobody vouched for: what is asked, done and told."""

from dataclasses import replace

from proxy.groups.rules import GroupRules, UnknownMembers
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.full_look import Whole
from proxy.provisioning.guard import released_mark
from proxy.provisioning.model import AccountId
from proxy.provisioning.report import Kind, Line, Tally
from proxy.provisioning.rules import CourierRules
from proxy.provisioning.unknown import Unknown
from proxy.reasons import Reason
from tests.fakes.provisioning import Scene, link_rules

REMOVE = GroupRules(unknown_members=UnknownMembers.REMOVE)


async def look(scene: Scene, account: str = "1", *, is_dry_run: bool = False) -> list[Line]:
    tally = Tally()
    looker = Unknown(
        kit=scene.courier().kit, whole=Whole(groups=()), tally=tally, is_dry_run=is_dry_run, taken={}
    )
    await looker.look(AccountId(account), (scene.app.group("team"),))
    return list(tally.report(is_dry_run=is_dry_run, seconds=0).lines)


def scene_with_guest(rules: GroupRules = REMOVE) -> Scene:
    scene = Scene(rules=CourierRules(link=link_rules(), groups=rules))
    scene.app.add("guest", groups=("team",))
    return scene


async def test_somebody_to_be_kept_costs_no_call() -> None:
    scene = scene_with_guest(GroupRules())
    (line,) = await look(scene)
    assert (line.kind, line.reason, line.about) == (Kind.KEPT, Reason.UNKNOWN_MEMBER, "team")
    assert scene.app.calls == []


async def test_an_account_that_is_not_there_any_more_is_nobody() -> None:
    assert await look(scene_with_guest(), "99") == []


async def test_trouble_with_one_is_told_and_nothing_more() -> None:
    scene = scene_with_guest()
    scene.app.fail("account", AppTrouble(detail="HTTP 500"))
    (line,) = await look(scene)
    assert (line.kind, line.cause) == (Kind.SKIPPED, "HTTP 500")
    scene.app.fail("leave", AppRefusal(reason=Reason.APP_REFUSED, detail="HTTP 403"))
    (line,) = await look(scene)
    assert (line.kind, line.cause) == (Kind.SKIPPED, "HTTP 403")
    assert scene.app.groups_of("guest") == {"team"}


async def test_a_release_is_used_up_by_whom_it_was_for() -> None:
    scene = scene_with_guest()
    scene.store.latches = {"link:team", released_mark("link:team", "1")}
    (line,) = await look(scene)
    assert line.kind is Kind.CHANGE
    assert scene.store.latches == {"link:team"}


async def test_under_a_latch_nobody_is_put_out() -> None:
    scene = scene_with_guest()
    scene.store.latches = {"link:team"}
    (line,) = await look(scene)
    assert (line.kind, line.cause) == (Kind.HELD, "link:team")
    assert scene.operations() == []


async def test_an_idps_latch_does_not_hold_somebody_no_idp_spoke_of() -> None:
    scene = scene_with_guest()
    scene.store.latches = {"idp:okta"}
    (line,) = await look(scene)
    assert line.kind is Kind.CHANGE


async def test_a_dry_run_asks_the_guard_nothing() -> None:
    scene = scene_with_guest()
    (line,) = await look(scene, is_dry_run=True)
    assert (line.kind, line.login) == (Kind.CHANGE, "guest")
    assert scene.operations() == []
    assert scene.store.counted == {}


async def test_an_administrator_is_an_owner() -> None:
    scene = scene_with_guest()
    scene.app.accounts[AccountId("1")] = replace(scene.app.by_login("guest"), is_admin=True)
    (line,) = await look(scene)
    assert line.reason is Reason.OWNER_LEFT_ALONE
