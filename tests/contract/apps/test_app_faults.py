"""An app that misbehaves gives trouble, never an answer: nobody is gone, no list is short, nothing counts as done."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.apps.preset_file import load_preset, parse_preset
from proxy.apps.rest import RestAppAdmin
from proxy.apps.wire import CallRecord
from proxy.groups.rules import AppGroupName, RoleName
from proxy.provisioning.app_admin import AppRefusal, AppTrouble, Performed
from proxy.provisioning.model import (
    AccountId,
    AppGroup,
    Archive,
    Create,
    CreateGroup,
    GroupId,
    Join,
    Leave,
    Profile,
    Restore,
    SetProfile,
    SetRole,
)
from proxy.reasons import Reason
from tests.fakes.rest_app import (
    PRESET,
    CorpApp,
    Fault,
    ScriptedApp,
    answering,
    as_usual,
    half_page,
    huge,
    reset,
    slow,
)

GROUP = AppGroup(id=GroupId("t/9"), name=AppGroupName("Team"))
PERSON = AccountId("p-2")
Ask = Callable[[RestAppAdmin], Awaitable[Any]]

ASKS: dict[str, Ask] = {
    "account": lambda admin: admin.account(PERSON),
    "search": lambda admin: admin.search(email="anna@corp.example", login=None),
    "groups": lambda admin: admin.groups(),
    "members": lambda admin: admin.members(GROUP.id),
    "whoami": lambda admin: admin.whoami(),
    "create": lambda admin: admin.perform(
        Create(profile=Profile(login="new", email="new@corp.example", name="New"))
    ),
    "archive": lambda admin: admin.perform(Archive(account=PERSON)),
    "restore": lambda admin: admin.perform(Restore(account=PERSON)),
    "set_profile": lambda admin: admin.perform(
        SetProfile(account=PERSON, email="x@corp.example", name="X Y")
    ),
    "set_role": lambda admin: admin.perform(SetRole(account=PERSON, role=RoleName("owner"))),
    "join": lambda admin: admin.perform(Join(account=PERSON, group=GROUP, login="anna")),
    "leave": lambda admin: admin.perform(Leave(account=PERSON, group=GROUP, login="anna")),
    "create_group": lambda admin: admin.perform(CreateGroup(name=AppGroupName("Team 2"))),
}

FAULTS: dict[str, Fault] = {
    "an error of the app": answering(500, {"code": "oops"}),
    "a gateway's page": answering(502, b"<html>Bad Gateway</html>"),
    "unavailable": answering(503),
    "too many requests": answering(429, {"code": "slow"}, Retry_After="7"),
    "a request time-out": answering(408),
    "a redirect to a sign-in page": answering(302, None, Location="/login"),
    "a sign-in page with status 200": answering(200, b"<html>Sign in</html>"),
    "a truncated document": answering(200, b'{"data": [{"uuid": "p-2"'),
    "not a number": answering(200, b'{"data": [NaN]}'),
    "bytes that are no text": answering(200, b"\xff\xfe\x00{"),
    "a document nested without end": answering(200, b"[" * 100_000),
    "a connection that breaks": reset,
    "half a page": half_page,
    "an answer without end": huge(9),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Corp:
    app: CorpApp
    admin: RestAppAdmin
    calls: list[CallRecord]


@pytest.fixture
async def corp() -> AsyncIterator[Corp]:
    calls: list[CallRecord] = []
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        CorpApp() as app,
    ):
        app.add("anna", "anna@corp.example", "Anna Ash").teams.add("t/9")
        app.teams["t/9"] = "Team"
        admin = RestAppAdmin(
            parse_preset(PRESET),
            app.url,
            {"username": lambda: "root", "password": lambda: "s3cret"},
            http,
            timeout=10,
            observer=calls.append,
        )
        assert await admin.whoami() is not None
        yield Corp(app=app, admin=admin, calls=calls)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("ask", ASKS)
async def test_a_misbehaving_app_is_in_trouble_and_nothing_else(corp: Corp, ask: str, fault: str) -> None:
    # aiohttp repeats an idempotent request once when a kept-alive connection breaks before any byte of an answer.
    corp.app.faults.extend([FAULTS[fault]] * 2)
    outcome = await ASKS[ask](corp.admin)
    assert isinstance(outcome, AppTrouble), outcome
    assert outcome.retry_after == (7.0 if fault == "too many requests" else None)
    assert "s3cret" not in outcome.detail
    assert "token-" not in outcome.detail


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_on_a_later_page_is_no_shorter_list(corp: Corp, fault: str) -> None:
    for number in range(6):
        corp.app.add(f"anna{number}", f"anna@corp.example{number}", "Anna")
        corp.app.add_team(f"Team {number}")
    for ask in ("search", "groups"):
        corp.app.faults.extend([as_usual, FAULTS[fault], FAULTS[fault]])
        assert isinstance(await ASKS[ask](corp.admin), AppTrouble)
        corp.app.faults.clear()


async def test_a_slow_app_is_given_up_in_time_and_told() -> None:
    async with aiohttp.ClientSession() as http, ScriptedApp(slow(30)) as app:
        preset = load_preset("demo", Path())
        admin = RestAppAdmin(preset, app.url, {"token": lambda: "a-token"}, http, timeout=0.1)
        outcome = await admin.account(PERSON)
    assert outcome == AppTrouble(detail="GET /api/users/p-2: no answer within 0.1 s")


async def test_an_app_that_does_not_listen_is_in_trouble() -> None:
    async with aiohttp.ClientSession() as http:
        async with CorpApp() as app:
            url = app.url
        admin = RestAppAdmin(
            parse_preset(PRESET), url, {"username": lambda: "root", "password": lambda: "s3cret"}, http
        )
        for name, ask in ASKS.items():
            assert isinstance(await ask(admin), AppTrouble), name


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("ask", ASKS)
async def test_an_app_that_takes_no_credential_makes_nobody_gone(corp: Corp, ask: str, status: int) -> None:
    corp.app.faults.extend([answering(status)] * 2)
    outcome = await ASKS[ask](corp.admin)
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is Reason.APP_UNPROVED


@pytest.mark.parametrize("status", [400, 405, 406, 410, 413, 415, 418, 422])
@pytest.mark.parametrize("ask", ASKS)
async def test_another_no_is_a_refusal_without_a_guess(corp: Corp, ask: str, status: int) -> None:
    corp.app.faults.append(answering(status, {"code": "because", "hint": "you\nasked"}))
    outcome = await ASKS[ask](corp.admin)
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is Reason.APP_REFUSED
    assert outcome.detail.endswith(f"answered {status}: because; you asked")


async def test_a_token_that_ran_out_is_renewed_once_for_all_who_wait(corp: Corp) -> None:
    corp.app.tokens.clear()
    outcomes = await asyncio.gather(*(corp.admin.account(PERSON) for _ in range(8)))
    assert all(getattr(outcome, "id", None) == PERSON for outcome in outcomes)
    assert corp.app.logins == 2


async def test_a_plan_that_is_full_is_no_seat_for_newcomers_and_for_those_who_come_back(corp: Corp) -> None:
    assert await corp.admin.perform(Archive(account=PERSON)) == Performed()
    corp.app.seats = 1
    for outcome in (await ASKS["create"](corp.admin), await ASKS["restore"](corp.admin)):
        assert isinstance(outcome, AppRefusal)
        assert outcome.reason is Reason.NO_SEAT


async def test_an_account_that_the_app_protects_is_told_so(corp: Corp) -> None:
    outcome = await corp.admin.perform(Archive(account=AccountId("p-1")))
    assert isinstance(outcome, AppRefusal)
    assert outcome.reason is Reason.PROTECTED_ACCOUNT


async def test_an_answer_about_somebody_else_is_trouble(corp: Corp) -> None:
    corp.app.faults.append(answering(200, {"person": corp.app.people["p-1"].as_json()}))
    assert isinstance(await corp.admin.account(PERSON), AppTrouble)


@pytest.mark.parametrize(
    "change",
    [
        {"uuid": None},
        {"uuid": True},
        {"handle": ""},
        {"teams": "t"},
        {"teams": [{"ref": None}]},
        {"contact": {"mail": []}},
    ],
)
async def test_half_an_account_is_not_believed(corp: Corp, change: dict[str, Any]) -> None:
    corp.app.faults.append(answering(200, {"person": {**corp.app.people["p-2"].as_json(), **change}}))
    assert isinstance(await corp.admin.account(PERSON), AppTrouble)


@pytest.mark.parametrize("lacking", ["uuid", "handle", "state", "teams"])
async def test_an_account_without_a_part_that_counts_is_not_believed(corp: Corp, lacking: str) -> None:
    person = corp.app.people["p-2"].as_json()
    del person[lacking]
    corp.app.faults.append(answering(200, {"person": person}))
    assert isinstance(await corp.admin.account(PERSON), AppTrouble)


async def test_pages_that_go_round_in_a_circle_are_trouble(corp: Corp) -> None:
    corp.app.faults.extend([answering(200, {"data": [], "next": "7"})] * 2)
    outcome = await ASKS["search"](corp.admin)
    assert isinstance(outcome, AppTrouble)
    assert "circle" in outcome.detail


async def test_a_list_that_does_not_say_whether_there_is_more_is_trouble(corp: Corp) -> None:
    corp.app.faults.append(answering(200, {"data": []}))
    assert isinstance(await ASKS["search"](corp.admin), AppTrouble)


async def test_a_list_that_ends_before_its_total_is_trouble(corp: Corp) -> None:
    corp.app.faults.append(answering(200, {"rows": [], "of": 3}))
    assert isinstance(await ASKS["members"](corp.admin), AppTrouble)


async def test_a_link_to_another_host_is_not_followed(corp: Corp) -> None:
    corp.app.faults.append(answering(200, [], Link='<http://evil.example/v2/teams>; rel="next"'))
    outcome = await ASKS["groups"](corp.admin)
    assert isinstance(outcome, AppTrouble)
    assert "below the app's address" in outcome.detail


async def test_every_call_is_reported_without_what_was_said(corp: Corp) -> None:
    corp.calls.clear()
    await ASKS["search"](corp.admin)
    corp.app.faults.extend([reset, reset])
    await corp.admin.account(PERSON)
    assert [(call.method, call.path, call.status) for call in corp.calls] == [
        ("GET", "/v2/people", 200),
        ("GET", "/v2/people/p-2", None),
    ]
    assert all(call.seconds >= 0 for call in corp.calls)
    assert "s3cret" not in repr(corp.calls)


async def test_a_name_is_sent_only_where_it_belongs(corp: Corp) -> None:
    corp.app.seen.clear()
    await corp.admin.perform(Join(account=PERSON, group=GROUP, login="anna/../../x?y=1#z"))
    assert corp.app.seen[0].target == "/v2/teams/t%2F9/people/anna%2F..%2F..%2Fx%3Fy%3D1%23z"
