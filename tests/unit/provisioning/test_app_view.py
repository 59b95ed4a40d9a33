"""What many visits share is read once a minute; what is wrong is read again at once."""

from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName, GroupRules, Link
from proxy.provisioning.app_admin import AppRefusal, AppTrouble, Capabilities
from proxy.provisioning.app_view import AppView
from proxy.provisioning.model import AppGroup, GroupId, Member
from proxy.reasons import Reason
from tests.fakes.app_admin import FakeApp
from tests.fakes.provisioning import known

RULES = GroupRules(links=(Link(app_group=AppGroupName("team"), idp_groups=known("a")),))
TROUBLE = AppTrouble(detail="HTTP 500")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app() -> FakeApp:
    made = FakeApp()
    made.group("team")
    return made


@pytest.mark.parametrize(("seconds", "reads"), [(0, 1), (59, 1), (60, 2), (-1, 2)])
async def test_the_list_of_groups_is_believed_for_a_minute(
    app: FakeApp, clock: Clock, seconds: float, reads: int
) -> None:
    view = AppView(app, RULES, clock)
    await view.groups()
    clock.now += seconds
    await view.groups()
    assert app.calls.count("groups") == reads


@pytest.mark.parametrize(("seconds", "reads"), [(4, 1), (5, 2)])
async def test_a_linked_group_that_is_missing_has_it_read_again_but_not_at_every_visit(
    clock: Clock, seconds: float, reads: int
) -> None:
    app = FakeApp()
    view = AppView(app, RULES, clock)
    await view.groups()
    clock.now += seconds
    await view.groups()
    assert app.calls.count("groups") == reads


async def test_a_list_known_to_be_wrong_is_read_again(app: FakeApp, clock: Clock) -> None:
    view = AppView(app, RULES, clock)
    await view.groups()
    view.forget_groups()
    await view.groups()
    assert app.calls.count("groups") == 2


async def test_a_fault_is_handed_on_and_not_kept(app: FakeApp, clock: Clock) -> None:
    app.fail("groups", TROUBLE)
    view = AppView(app, RULES, clock)
    assert await view.groups() == TROUBLE
    assert await view.groups() == (app.group("team"),)


async def test_names_are_in_nfc(clock: Clock) -> None:
    app = FakeApp()
    app.group("cafe\u0301")
    assert await AppView(app, RULES, clock).groups() == (
        AppGroup(id=GroupId("g1"), name=AppGroupName("caf\u00e9")),
    )


async def test_an_app_that_cannot_list_groups_has_those_that_rules_name_by_name(clock: Clock) -> None:
    app = FakeApp(capabilities=Capabilities(can_list_groups=False))
    assert await AppView(app, RULES, clock).groups() == (
        AppGroup(id=GroupId("team"), name=AppGroupName("team")),
    )
    assert app.calls == []


async def test_a_member_comes_with_the_groups_that_the_app_shows(app: FakeApp, clock: Clock) -> None:
    ada = app.add("ada", groups=("team",))
    found = await AppView(app, RULES, clock).member(ada.id)
    assert isinstance(found, Member)
    assert found.groups == frozenset({app.group("team").id})


@pytest.mark.parametrize(("is_same_name", "asked"), [(False, 1), (True, 2)])
async def test_where_it_shows_none_only_groups_that_evaluation_may_touch_are_asked(
    app: FakeApp, clock: Clock, is_same_name: bool, asked: int
) -> None:
    app.shows_groups = False
    ada = app.add("ada", groups=("team", "chess"))
    found = await AppView(app, replace(RULES, is_same_name=is_same_name), clock).member(ada.id)
    assert isinstance(found, Member)
    assert found.groups is not None
    assert len(found.groups) == asked
    assert app.calls.count("members") == asked


@pytest.mark.parametrize("call", ["account", "groups", "members"])
async def test_a_fault_on_the_way_to_a_member_is_handed_on(app: FakeApp, clock: Clock, call: str) -> None:
    app.shows_groups = False
    ada = app.add("ada")
    app.fail(call, TROUBLE)
    assert await AppView(app, RULES, clock).member(ada.id) == TROUBLE


async def test_no_account_is_none(app: FakeApp, clock: Clock) -> None:
    assert await AppView(app, RULES, clock).member(app.add("x").id) is not None
    app.accounts.clear()
    assert await AppView(app, RULES, clock).member(FakeApp().add("x").id) is None


async def test_our_own_account_is_believed_for_a_minute_unless_asked_for_afresh(
    app: FakeApp, clock: Clock
) -> None:
    app.own = app.add("robot").id
    view = AppView(app, RULES, clock)
    await view.own_account()
    await view.own_account()
    assert app.calls.count("whoami") == 1
    await view.own_account(is_fresh=True)
    clock.now += 60
    await view.own_account()
    assert app.calls.count("whoami") == 3


async def test_an_app_that_cannot_say_who_we_are_is_not_asked(app: FakeApp, clock: Clock) -> None:
    app.capabilities = Capabilities()
    assert await AppView(app, RULES, clock).own_account() is None
    assert app.calls == []


async def test_a_refusal_to_say_who_we_are_means_that_our_token_is_not_accepted(
    app: FakeApp, clock: Clock
) -> None:
    app.fail("whoami", AppRefusal(reason=Reason.APP_REFUSED, detail="HTTP 403"), TROUBLE)
    view = AppView(app, RULES, clock)
    assert await view.own_account() == AppRefusal(reason=Reason.APP_UNPROVED, detail="HTTP 403")
    assert await view.own_account() == TROUBLE
