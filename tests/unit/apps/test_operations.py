"""Operations where an app's answer alone does not tell: what is looked at, and what is never assumed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from proxy.apps.accounts import Accounts
from proxy.apps.locks import ProcessLocks
from proxy.apps.operations import NAMES, Operations
from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble, Performed
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Create,
    CreateGroup,
    GroupId,
    Join,
    Leave,
    Operation,
    Profile,
    Restore,
    SetProfile,
    SetRole,
)
from proxy.reasons import Reason
from tests.fakes.rest_app import Fault, ScriptedApp, answering
from tests.unit.apps.test_api import api

ANNA = {"id": 7, "login": "anna", "mail": "anna@example.com", "name": "Anna", "active": True, "groups": ["g"]}
GROUP = AppGroup(id=GroupId("g"), name=AppGroupName("Team"))
SEVEN = AccountId("7")
PROFILE = Profile(login="anna", email="anna@example.com", name="Anna")
PRESET: dict[str, Any] = {
    "member": {
        "id": "id",
        "login": "login",
        "email": "mail",
        "name": "name",
        "active": "active",
        "groups": "groups",
    },
    "account": {"request": "GET /u/{account}", "gone": [404]},
    "search": {"requests": [{"request": "GET /u", "items": "@"}]},
    "create": {
        "request": "POST /u",
        "body": {"login": "{login}", "secret": "{random_password}"},
        "logins": ["{username}", "{email}"],
        "answer": "@",
        "look_on": [422],
    },
    "archive": {"request": "POST /u/{account}/off", "look_on": [409]},
    "restore": {"request": "POST /u/{account}/on", "look_on": [409]},
    "set_profile": {"request": "PUT /u/{account}", "body": {"mail": "{email}", "name": "{name}"}},
    "set_role": {
        "request": "PUT /u/{account}",
        "body": {"admin": "{role_value}"},
        "values": {"user": False, "admin": True},
    },
    "groups": {"request": "GET /g", "items": "@", "id": "id", "name": "name"},
    "create_group": {"request": "POST /g", "look_on": [409]},
    "join": {"request": "PUT /g/{group}/{account}", "look_on": [404, 409]},
    "leave": {"request": "DELETE /g/{group}/{account}", "look_on": [404]},
    "members": {"request": "GET /g/{group}", "items": "@", "id": "@"},
}


@asynccontextmanager
async def operations(*script: Fault, **keys: Any) -> AsyncIterator[tuple[Operations, ScriptedApp]]:
    async with api(*script, **{**PRESET, **keys}) as (admin, app):
        yield Operations(admin, Accounts(admin), ProcessLocks()), app


async def outcome(operation: Operation, *script: Fault, **keys: Any) -> Performed | AppFault:
    async with operations(*script, **keys) as (those, app):
        found = await those.perform(operation)
        assert not app.script, "every answer was asked for"
        return found


def reason(found: Performed | AppFault) -> Reason | None:
    return found.reason if isinstance(found, AppRefusal) else None


def shown(**change: Any) -> Fault:
    return answering(200, {**ANNA, **change})


NO = answering(409)


@pytest.mark.parametrize(
    ("operation", "look", "is_done"),
    [
        (Archive(account=SEVEN), shown(active=False), True),
        (Archive(account=SEVEN), shown(active=True), False),
        (Restore(account=SEVEN), shown(active=True), True),
        (Restore(account=SEVEN), shown(active=False), False),
        (Join(account=SEVEN, group=GROUP), shown(groups=["g", "h"]), True),
        (Join(account=SEVEN, group=GROUP), shown(groups=["h"]), False),
    ],
)
async def test_a_no_is_believed_unless_the_app_shows_that_it_is_so(
    operation: Operation, look: Fault, is_done: bool
) -> None:
    found = await outcome(operation, NO, look)
    assert found == Performed() if is_done else reason(found) is Reason.APP_REFUSED


@pytest.mark.parametrize(
    "operation", [Archive(account=SEVEN), Restore(account=SEVEN), Join(account=SEVEN, group=GROUP)]
)
async def test_a_second_look_may_find_nobody_or_trouble(operation: Operation) -> None:
    assert reason(await outcome(operation, NO, answering(404))) is Reason.ACCOUNT_GONE
    assert isinstance(await outcome(operation, NO, answering(500)), AppTrouble)
    assert reason(await outcome(operation, NO, answering(401))) is Reason.APP_UNPROVED


@pytest.mark.parametrize("status", [500, 429, 401, 403, 302])
async def test_no_second_look_is_taken_at_what_is_no_no(status: int) -> None:
    operation = Archive(account=SEVEN)
    assert not isinstance(await outcome(operation, answering(status)), Performed)


async def test_a_group_is_asked_for_its_members_when_accounts_do_not_show_groups() -> None:
    join, leave = Join(account=SEVEN, group=GROUP), Leave(account=SEVEN, group=GROUP)
    hidden = shown(groups=None)
    assert await outcome(join, NO, hidden, answering(200, [7, 8])) == Performed()
    assert reason(await outcome(join, NO, hidden, answering(200, [8]))) is Reason.APP_REFUSED
    assert await outcome(leave, answering(404), hidden, answering(200, [8])) == Performed()
    assert isinstance(await outcome(leave, answering(404), hidden, answering(500)), AppTrouble)


async def test_a_new_account_is_read_again() -> None:
    found = await outcome(Create(profile=PROFILE), answering(201, {"id": 7}), shown(login="ANNA"))
    assert isinstance(found, Performed)
    assert found.account is not None
    assert found.account.login == "ANNA"


async def test_a_new_account_that_is_not_shown_is_trouble() -> None:
    for script in (
        [answering(201, {"id": 7}), answering(404)],
        [answering(201, {"no": 7})],
        [answering(201, {"id": 7}), answering(500)],
    ):
        assert isinstance(await outcome(Create(profile=PROFILE), *script), AppTrouble)


async def test_an_app_that_answers_with_nothing_is_asked_for_the_login() -> None:
    found = await outcome(
        Create(profile=PROFILE), answering(201), answering(200, [{**ANNA, "login": "x"}, ANNA])
    )
    assert isinstance(found, Performed)
    assert found.account is not None
    assert found.account.id == SEVEN
    assert isinstance(await outcome(Create(profile=PROFILE), answering(201), answering(200, [])), AppTrouble)


async def test_a_password_is_long_random_and_of_every_class() -> None:
    sent = []
    for _ in range(2):
        async with operations(answering(201, {"id": 7}), shown()) as (those, app):
            await those.perform(Create(profile=PROFILE))
            sent.append(app.seen[0].body["secret"])
    assert sent[0] != sent[1]
    for secret in sent:
        assert len(secret) >= 40
        assert any(sign.isupper() for sign in secret)
        assert any(sign.islower() for sign in secret)
        assert any(sign.isdigit() for sign in secret)
        assert "!" in secret


async def test_a_login_in_the_way_is_seen_by_looking_and_no_other_is_tried() -> None:
    other = {**ANNA, "id": 5, "mail": "other@example.com"}
    async with operations(answering(422), answering(200, [other])) as (those, app):
        found = await those.perform(Create(profile=PROFILE))
    assert found == AppRefusal(reason=Reason.LOGIN_TAKEN, detail="POST /u answered 422")
    assert [seen.body["login"] for seen in app.seen if seen.method == "POST"] == ["anna"]


async def test_a_login_that_the_app_cannot_have_gives_way() -> None:
    async with operations(answering(201, {"id": 7}), shown()) as (those, app):
        await those.perform(Create(profile=replace(PROFILE, login="anna ash")))
    assert app.seen[0].body["login"] == "anna@example.com"


async def test_an_address_in_the_way_is_told_to_the_operator() -> None:
    found = await outcome(
        Create(profile=PROFILE), answering(422), answering(200, [{**ANNA, "login": "other"}])
    )
    assert found == AppRefusal(
        reason=Reason.APP_REFUSED, detail="POST /u answered 422 (account 7 has the e-mail address)"
    )


async def test_another_no_at_a_creation_stays_what_it_is() -> None:
    found = await outcome(Create(profile=PROFILE), answering(422), answering(200, []))
    assert found == AppRefusal(reason=Reason.APP_REFUSED, detail="POST /u answered 422")
    assert isinstance(await outcome(Create(profile=PROFILE), answering(422), answering(500)), AppTrouble)


async def test_without_a_login_that_suits_nothing_is_asked() -> None:
    async with operations(create={**PRESET["create"], "login": {"longest": 2}}) as (those, app):
        assert reason(await those.perform(Create(profile=PROFILE))) is Reason.APP_REFUSED
    assert app.seen == []


async def test_half_a_profile_is_made_whole_from_what_the_app_has() -> None:
    async with operations(shown(), answering(204)) as (those, app):
        assert await those.perform(SetProfile(account=SEVEN, email=None, name="New")) == Performed()
    assert app.seen[1].body == {"mail": "anna@example.com", "name": "New"}
    async with operations(answering(204)) as (those, app):
        assert (
            await those.perform(SetProfile(account=SEVEN, email="n@example.com", name="New")) == Performed()
        )
    assert app.seen[0].body == {"mail": "n@example.com", "name": "New"}


async def test_an_empty_profile_is_nothing_to_do() -> None:
    assert await outcome(SetProfile(account=SEVEN, email=None, name=None)) == Performed()


async def test_half_a_profile_of_somebody_who_is_gone() -> None:
    half = SetProfile(account=SEVEN, email=None, name="New")
    assert reason(await outcome(half, answering(404))) is Reason.ACCOUNT_GONE
    assert isinstance(await outcome(half, answering(500)), AppTrouble)


async def test_a_role_is_sent_as_the_preset_writes_it() -> None:
    for role, value in (("user", False), ("admin", True)):
        async with operations(answering(204)) as (those, app):
            assert await those.perform(SetRole(account=SEVEN, role=RoleName(role))) == Performed()
        assert app.seen[0].body == {"admin": value}


async def test_a_role_that_the_preset_does_not_list_is_not_asked_for() -> None:
    async with operations(answering(204)) as (those, app):
        assert (
            reason(await those.perform(SetRole(account=SEVEN, role=RoleName("king")))) is Reason.APP_REFUSED
        )
    assert app.seen == []


@pytest.mark.parametrize(("means", "expected"), [("trouble", AppTrouble), ("already_so", Performed)])
async def test_what_the_error_table_says_is_not_looked_at_again(means: str, expected: type) -> None:
    found = await outcome(Archive(account=SEVEN), NO, errors=[{"status": 409, "means": means}])
    assert isinstance(found, expected)


async def test_a_group_that_is_there_already_is_found_and_another_no_is_not() -> None:
    team = [{"id": "g", "name": "Team"}]
    made = CreateGroup(name=AppGroupName("Team"))
    assert await outcome(made, NO, answering(200, team)) == Performed(group=GROUP)
    assert reason(await outcome(made, NO, answering(200, []))) is Reason.APP_REFUSED
    assert await outcome(made, answering(201), answering(200, team)) == Performed(group=GROUP)
    assert isinstance(await outcome(made, answering(201), answering(200, [])), AppTrouble)
    assert isinstance(await outcome(made, answering(201), answering(500)), AppTrouble)


async def test_a_group_that_the_answer_shows() -> None:
    keys = {"create_group": {"request": "POST /g", "answer": "group"}}
    made = CreateGroup(name=AppGroupName("Team"))
    assert await outcome(made, answering(201, {"group": {"id": "g", "name": "Team"}}), **keys) == Performed(
        group=GROUP
    )
    assert isinstance(await outcome(made, answering(201, {"group": {}}), **keys), AppTrouble)


@pytest.mark.parametrize(
    ("name", "operation", "expected"),
    [
        ("create", Create(profile=PROFILE), Reason.APP_REFUSED),
        ("archive", Archive(account=SEVEN), Reason.NO_ARCHIVE),
        ("set_profile", SetProfile(account=SEVEN, email=None, name="x"), Reason.APP_REFUSED),
        ("set_role", SetRole(account=SEVEN, role=RoleName("user")), Reason.APP_REFUSED),
        ("create_group", CreateGroup(name=AppGroupName("x")), Reason.APP_REFUSED),
    ],
)
async def test_what_a_preset_cannot_do_is_refused_without_a_call(
    name: str, operation: Operation, expected: Reason
) -> None:
    found = await outcome(operation, **{name: None, "archive_means": "nothing"})
    assert reason(found) is expected


async def test_a_fault_of_the_app_is_never_a_success() -> None:
    for operation in (
        Archive(account=SEVEN),
        Restore(account=SEVEN),
        Join(account=SEVEN, group=GROUP),
        Leave(account=SEVEN, group=GROUP),
    ):
        assert isinstance(await outcome(operation, answering(503, None, Retry_After="2")), AppTrouble)


BY_LOGIN = {
    "archive": {"request": "PATCH /a/{login}", "body": {"off": True}},
    "restore": {"request": "PATCH /a/{login}", "body": {"off": False}},
}


async def test_a_request_that_goes_by_login_reads_the_account_first() -> None:
    async with operations(answering(200, ANNA), answering(200, {}), **BY_LOGIN) as (those, app):
        assert await those.perform(Archive(account=SEVEN)) == Performed()
    assert [(seen.method, seen.target) for seen in app.seen] == [("GET", "/u/7"), ("PATCH", "/a/anna")]


async def test_nobody_is_archived_by_a_login_that_cannot_be_read() -> None:
    gone = await outcome(Archive(account=SEVEN), answering(404), **BY_LOGIN)
    assert isinstance(gone, AppRefusal)
    assert gone.reason is Reason.ACCOUNT_GONE
    assert isinstance(await outcome(Archive(account=SEVEN), answering(502), **BY_LOGIN), AppTrouble)


@pytest.mark.parametrize(
    "operation",
    [
        Archive(account=SEVEN),
        SetProfile(account=SEVEN, email="a@example.com", name="A"),
        SetRole(account=SEVEN, role=RoleName("admin")),
    ],
)
async def test_a_plain_500_is_looked_at_where_the_preset_says_so(operation: Operation) -> None:
    name = NAMES[type(operation)]
    keys = {name: {**PRESET[name], "look_on": [500]}}
    gone = await outcome(operation, answering(500), answering(404), **keys)
    assert isinstance(gone, AppRefusal)
    assert gone.reason is Reason.ACCOUNT_GONE
    still = await outcome(operation, answering(500), answering(200, ANNA), **keys)
    assert isinstance(still, AppTrouble)


async def test_a_success_that_made_nobody_is_a_login_that_is_taken() -> None:
    create = {**PRESET["create"], "taken_when": "length(made) == `0`"}
    taken = await outcome(Create(profile=PROFILE), answering(200, {"made": []}), create=create)
    assert isinstance(taken, AppRefusal)
    assert taken.reason is Reason.LOGIN_TAKEN
