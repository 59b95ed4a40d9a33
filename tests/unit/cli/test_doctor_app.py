"""The doctor at the admin API of an app that is well, and of one with each fault; nothing is ever performed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.app.effective import Effective
from proxy.apps.preset_file import load_preset
from proxy.cli.doctor_app import examine_app
from proxy.cli.doctor_files import Stored
from proxy.cli.doctor_finding import Finding
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.reasons import Reason
from tests.fakes.app_admin import FULL, FakeApp
from tests.fakes.configurations import settings_of

LISTING = replace(FULL, can_list_accounts=True)
REFUSED = AppRefusal(reason=Reason.APP_UNPROVED, detail="GET /me answered 401")


def app(**changes: Any) -> FakeApp:
    """Robot's is the token; there are two more people and one group."""
    fake = FakeApp(capabilities=replace(LISTING, **changes))
    fake.own = fake.add("robot", is_admin=True).id
    fake.add("ada")
    fake.add("bob", is_active=False)
    fake.add_group("Developers")
    return fake


async def examined(
    folder: Path, fake: FakeApp, *, preset: str = "demo", protected: tuple[str, ...] = (), **changes: Any
) -> dict[str, Finding]:
    section = {"preset": "demo", "url": "http://127.0.0.1:3001", "protected": list(protected)}
    settings = settings_of(folder, app=section, **changes)
    assert settings.app is not None
    login, found = await examine_app(
        settings,
        settings.app,
        load_preset(preset, folder),
        fake,
        Effective(settings),
        Stored(members=5),
    )
    assert fake.performed == []
    assert login in (None, "robot", *protected)
    return {one.check.removeprefix("app: "): one for one in found}


def results(found: dict[str, Finding]) -> dict[str, str]:
    return {check: one.result.value for check, one in found.items()}


async def test_an_app_in_order(tmp_path: Path) -> None:
    found = await examined(tmp_path, app(), groups={"links": [{"app": "Developers", "idp": "engineers"}]})
    assert set(results(found).values()) == {"ok"}
    assert found["admin token"].seen == "it works; it is robot's (account 1)"
    assert found["linked groups"].seen == "the app lists 1 groups; all 1 that are named are there"
    assert (
        found["protected accounts"].seen
        == "robot, whose the admin token is, is protected without being listed"
    )
    assert found["seats"].seen == "no limit of ours; 2 accounts are active"
    assert "archive accounts" in found["what it may do"].seen


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (REFUSED, "give app.credentials what an administrator's account has"),
        (AppRefusal(reason=Reason.APP_REFUSED, detail="400"), "see app.preset and app.url"),
        (AppTrouble(detail="GET /me: no answer"), "see app.url, and whether the app runs"),
    ],
)
async def test_a_token_that_does_not_work_ends_the_questions(
    tmp_path: Path, fault: AppFault, advice: str
) -> None:
    fake = app()
    fake.fail("whoami", fault)
    found = await examined(tmp_path, fake)
    assert results(found) == {"admin token": "failed", "what it may do": "ok"}
    assert found["admin token"].advice == advice
    assert fake.calls == ["whoami"]


async def test_a_token_whose_account_is_archived(tmp_path: Path) -> None:
    fake = app()
    fake.own = fake.by_login("bob").id
    section = {"preset": "demo", "url": "http://127.0.0.1:3001"}
    settings = settings_of(tmp_path, app=section)
    assert settings.app is not None
    preset = load_preset("demo", tmp_path)
    login, found = await examine_app(settings, settings.app, preset, fake, Effective(settings), Stored())
    assert login == "bob"
    assert found[0].seen == "it is bob's, whose account is archived"


@pytest.mark.parametrize(
    "cannot",
    [
        {},
        {"can_list_groups": False},
        {"can_list_groups": False, "can_list_accounts": False},
    ],
)
async def test_an_app_that_cannot_say_whose_the_token_is(tmp_path: Path, cannot: dict[str, bool]) -> None:
    """The token is proved by what else the app answers; its account must be listed (semantics §6.5)."""
    fake = app(can_read_self=False, **cannot)
    fake.own = None
    found = await examined(tmp_path, fake)
    assert results(found)["admin token"] == "ok"
    assert results(found)["protected accounts"] == "failed"
    assert found["protected accounts"].advice == "list that account's login under app.protected"
    for call in ("groups", "list_accounts", "search"):
        fake.forever[call] = REFUSED
    assert results(await examined(tmp_path, fake))["admin token"] == "failed"


async def test_protected_accounts_that_are_listed_must_exist(tmp_path: Path) -> None:
    fake = app(can_read_self=False)
    fake.own = None
    found = await examined(tmp_path, fake, protected=("robot", "ada@example.com"))
    assert (found["protected accounts"].result, found["protected accounts"].seen) == ("ok", "2 listed")
    found = await examined(tmp_path, fake, protected=("robto",))
    assert results(found)["protected accounts"] == "warning"
    assert "'robto'" in found["protected accounts"].seen
    fake.forever["search"] = AppTrouble(detail="slow")
    assert results(await examined(tmp_path, fake, protected=("robot",)))["protected accounts"] == "failed"


async def test_the_tokens_account_that_is_listed_is_said_to_be(tmp_path: Path) -> None:
    found = await examined(tmp_path, app(), protected=("Robot",))
    assert found["protected accounts"].seen == "robot, whose the admin token is, is listed"


LINKS = {"links": [{"app": "Developers", "idp": "a"}, {"app": "Writers", "idp": "b"}]}


@pytest.mark.parametrize(
    ("groups", "can_create", "result", "seen"),
    [
        ({**LINKS}, True, "warning", "not there, and left out: Writers"),
        ({**LINKS, "missing": "error"}, True, "failed", "not there: Writers"),
        ({**LINKS, "missing": "create"}, True, "ok", "made when they are needed: Writers"),
        ({**LINKS, "missing": "create"}, False, "warning", "the preset cannot make groups: Writers"),
        ({**LINKS, "enabled": False}, True, "ok", "all 0 that are named are there"),
        ({"default_group": "Everybody"}, True, "warning", "Everybody"),
    ],
)
async def test_a_group_that_is_linked_and_not_there(
    tmp_path: Path, groups: dict[str, Any], can_create: bool, result: str, seen: str
) -> None:
    found = await examined(tmp_path, app(can_create_group=can_create), groups=groups)
    assert found["linked groups"].result == result
    assert seen in found["linked groups"].seen


async def test_groups_that_cannot_be_listed(tmp_path: Path) -> None:
    found = await examined(tmp_path, app(can_list_groups=False), groups=LINKS)
    assert results(found)["linked groups"] == "warning"
    assert "linked groups" not in await examined(tmp_path, app(can_list_groups=False))
    fake = app()
    fake.fail("groups", AppTrouble(detail="slow"))
    assert results(await examined(tmp_path, fake))["linked groups"] == "failed"


@pytest.mark.parametrize(
    ("seats", "result", "seen"),
    [(3, "ok", "1 of 3 are left"), (2, "warning", "none is left: 2 of 2")],
)
async def test_seats(tmp_path: Path, seats: int, result: str, seen: str) -> None:
    found = await examined(tmp_path, app(), joining={"domains": ["example.com"], "seats": seats})
    assert found["seats"].result == result
    assert seen in found["seats"].seen


async def test_seats_are_counted_by_bindings_where_the_app_lists_nobody(tmp_path: Path) -> None:
    found = await examined(tmp_path, app(can_list_accounts=False))
    assert found["seats"].seen == "no limit of ours; 5 members of ours (the app does not list accounts)"
    fake = app()
    fake.fail("list_accounts", AppTrouble(detail="slow"))
    assert results(await examined(tmp_path, fake))["seats"] == "failed"


async def test_a_preset_that_was_never_run_is_a_warning(tmp_path: Path) -> None:
    found = (await examined(tmp_path, app(), preset="gitlab"))["what it may do"]
    assert found.result == "warning"
    assert "UNVERIFIED" in found.seen


async def test_what_the_app_cannot_do_is_said_with_what_follows(tmp_path: Path) -> None:
    found = (await examined(tmp_path, app(), preset="jupyterhub"))["what it may do"]
    assert "it cannot" in found.seen
    assert "archive accounts (" in found.seen
