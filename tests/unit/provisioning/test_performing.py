"""Every step has its audit record; trouble ends a plan, a harmless refusal does not."""

from dataclasses import replace

import pytest

from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.kit import Journal
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Because,
    Create,
    CreateGroup,
    GroupId,
    Join,
    Leave,
    Operation,
    Plan,
    Profile,
    Restore,
    SetProfile,
    SetRole,
    Step,
)
from proxy.provisioning.performing import Performer
from proxy.reasons import Reason
from tests.fakes.provisioning import Scene, subject

ADA = AccountId("1")
TEAM = AppGroup(id=GroupId("g1"), name=AppGroupName("team"))
BECAUSE = Because(reason=Reason.LINKED, about="team", cause="okta group 'a'")
JOIN, LEAVE = Join(account=ADA, group=TEAM), Leave(account=ADA, group=TEAM)
RESTORE, ARCHIVE = Restore(account=ADA), Archive(account=ADA)
ROLE = SetRole(account=ADA, role=RoleName("writer"))
PROFILE = SetProfile(account=ADA, email="new@example.com", name="New")
REFUSED = AppRefusal(reason=Reason.APP_REFUSED, detail="HTTP 403")
SPARED = AppRefusal(reason=Reason.PROTECTED_ACCOUNT, detail="an owner")
TROUBLE = AppTrouble(detail="HTTP 500")


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.app.add("ada", role="reader", groups=("team",))
    return made


def performer(scene: Scene) -> Performer:
    kit = scene.courier()._kit
    return Performer(kit, Journal(kit, subject(), ADA))


def plan(*operations: Operation) -> Plan:
    return Plan(steps=tuple(Step(operation=one, because=BECAUSE) for one in operations))


async def test_every_step_is_performed_in_order_with_its_cause(scene: Scene) -> None:
    assert await performer(scene).perform(plan(LEAVE, ROLE), scene.app.by_login("ada")) is None
    assert scene.operations() == ["leave", "set_role"]
    assert [(one.operation, one.reason, one.cause, one.before, one.after) for one in scene.audit] == [
        ("leave", Reason.LINKED, "okta group 'a'", "team", ""),
        ("set_role", Reason.LINKED, "okta group 'a'", "reader", "writer"),
    ]
    assert {(one.subject, one.account, one.outcome) for one in scene.audit} == {(subject(), ADA, "done")}


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        (JOIN, "", "team"),
        (RESTORE, "active", "active"),
        (ARCHIVE, "active", "archived"),
        (PROFILE, "Ada <ada@example.com>", "New <new@example.com>"),
        (CreateGroup(name=AppGroupName("new")), "", "new"),
        (Create(profile=Profile(login="bob", email=None, name=None)), "", "bob"),
    ],
    ids=["join", "restore", "archive", "set_profile", "create_group", "create"],
)
async def test_a_record_says_what_was_and_what_is(
    scene: Scene, operation: Operation, before: str, after: str
) -> None:
    await performer(scene).perform(plan(operation), scene.app.by_login("ada"))
    assert [(one.before, one.after) for one in scene.audit] == [(before, after)]


async def test_trouble_ends_the_plan_and_is_written_down(scene: Scene) -> None:
    scene.app.fail("leave", TROUBLE)
    assert await performer(scene).perform(plan(LEAVE, JOIN), None) == TROUBLE
    assert scene.operations() == ["leave"]
    assert [(one.reason, one.outcome) for one in scene.audit] == [(Reason.APP_TROUBLE, "HTTP 500")]


@pytest.mark.parametrize(
    ("call", "operations", "fault", "goes_on"),
    [
        ("join", (JOIN, ROLE), REFUSED, True),
        ("set_profile", (PROFILE, ROLE), REFUSED, True),
        ("leave", (LEAVE, ROLE), REFUSED, True),
        ("leave", (LEAVE, RESTORE), REFUSED, False),
        ("leave", (LEAVE, RESTORE), SPARED, True),
        ("restore", (RESTORE, JOIN), REFUSED, False),
        ("archive", (ARCHIVE,), SPARED, True),
        ("archive", (ARCHIVE,), REFUSED, True),
        ("join", (JOIN, ROLE), replace(REFUSED, reason=Reason.ACCOUNT_GONE), False),
        ("join", (JOIN, ROLE), replace(REFUSED, reason=Reason.APP_UNPROVED), False),
    ],
)
async def test_a_refusal_ends_the_plan_only_where_going_on_could_harm(
    scene: Scene, call: str, operations: tuple[Operation, ...], fault: AppRefusal, goes_on: bool
) -> None:
    scene.app.fail(call, fault)
    assert await performer(scene).perform(plan(*operations), None) == (None if goes_on else fault)
    assert len(scene.operations()) == (len(operations) if goes_on else 1)


async def test_an_operator_hears_of_refusals_but_not_of_those_the_app_protects(scene: Scene) -> None:
    scene.app.fail("join", REFUSED)
    scene.app.fail("leave", SPARED)
    performing = performer(scene)
    await performing.perform(plan(JOIN, LEAVE), None)
    assert performing.complaints == ("join team: HTTP 403",)
    assert set(performing.refused) == {JOIN, LEAVE}


async def test_checkpoints_stand_on_both_sides_of_a_call(scene: Scene) -> None:
    seen: list[str] = []
    kit = scene.courier(seen.append)._kit
    await Performer(kit, Journal(kit, subject())).perform(plan(JOIN), None)
    assert seen == ["before join", "after join"]


async def test_what_is_gone_has_the_groups_read_again(scene: Scene) -> None:
    performing = performer(scene)
    view = performing._kit.view
    await view.groups()
    scene.app.fail("join", replace(REFUSED, reason=Reason.ACCOUNT_GONE))
    await performing.perform(plan(JOIN), None)
    await view.groups()
    assert scene.app.calls.count("groups") == 2
