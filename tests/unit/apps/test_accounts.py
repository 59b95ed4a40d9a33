"""Accounts and groups as an app shows them: the cases that the contract suite does not meet on every app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from proxy.apps.accounts import Accounts
from proxy.apps.preset import MemberShape
from proxy.groups.rules import AppGroupName
from proxy.provisioning.app_admin import AppRefusal, AppTrouble
from proxy.provisioning.model import AccountId, AppGroup, GroupId, Member
from tests.fakes.rest_app import Fault, ScriptedApp, answering
from tests.unit.apps.test_api import api

SEARCH = {
    "requests": [
        {"request": "GET /u", "query": {"mail": "{email}"}, "items": "@"},
        {"request": "GET /u", "query": {"login": "{login}"}, "items": "@"},
    ]
}
SHAPE_KEYS = {"id": "id", "login": "login", "email": "mail", "active": "active"}
SHAPE = MemberShape.model_validate(SHAPE_KEYS)


@asynccontextmanager
async def accounts(*script: Fault, **keys: Any) -> AsyncIterator[tuple[Accounts, ScriptedApp]]:
    async with api(*script, **{"member": SHAPE, "search": SEARCH, **keys}) as (admin, app):
        yield Accounts(admin), app


def row(number: int, login: str, mail: str | None = None, *, active: bool = True) -> dict[str, Any]:
    return {"id": number, "login": login, "mail": mail, "active": active}


def ids(found: object) -> list[str]:
    assert isinstance(found, tuple), found
    return [member.id for member in found]


async def test_a_search_makes_only_the_requests_whose_values_are_known() -> None:
    async with accounts(answering(200, [])) as (those, app):
        assert await those.search(email=None, login="anna") == ()
    assert [seen.target for seen in app.seen] == ["/u?login=anna"]


async def test_a_search_for_nothing_asks_nothing() -> None:
    async with accounts() as (those, app):
        assert await those.search(email="", login=None) == ()
    assert app.seen == []


async def test_an_account_that_both_requests_find_is_one() -> None:
    anna = row(7, "anna", "Anna@Example.com")
    async with accounts(answering(200, [anna, row(8, "x")]), answering(200, [anna, row(9, "annabel")])) as (
        those,
        _,
    ):
        assert ids(await those.search(email="anna@example.com", login="anna")) == ["7"]


async def test_logins_are_the_same_in_any_case_unless_the_preset_says_otherwise() -> None:
    """The safe side: an app that looks a header up in any case must not be given a second `Admin`."""
    rows = answering(200, [row(7, "Anna")])
    async with accounts(rows) as (those, _):
        assert ids(await those.search(email=None, login="anna")) == ["7"]
    async with accounts(rows, search={**SEARCH, "login_ignores_case": False}) as (those, _):
        assert ids(await those.search(email=None, login="anna")) == []


async def test_a_list_that_shows_less_is_read_again_by_id() -> None:
    short = answering(200, [{"id": 7, "login": "anna"}, {"id": 8, "login": "other"}])
    async with accounts(
        short, answering(200, row(7, "anna", active=False)), search={**SEARCH, "reread": True}
    ) as (those, app):
        found = await those.search(email=None, login="anna")
    assert isinstance(found, tuple)
    assert [(one.id, one.is_active) for one in found] == [("7", False)]
    assert [seen.target for seen in app.seen] == ["/u?login=anna", "/u/7"]


async def test_somebody_who_vanished_before_the_second_look_is_left_out_and_a_fault_is_not() -> None:
    keys = {"search": {**SEARCH, "reread": True}, "account": {"request": "GET /u/{account}", "gone": [404]}}
    short = answering(200, [{"id": 7, "login": "anna"}])
    async with accounts(short, answering(404), **keys) as (those, _):
        assert await those.search(email=None, login="anna") == ()
    async with accounts(short, answering(500), **keys) as (those, _):
        assert isinstance(await those.search(email=None, login="anna"), AppTrouble)


async def test_a_spell_of_404_from_lists_and_the_canary_is_trouble_and_about_nobody() -> None:
    """The address was moved, or a proxy before the app answers for it."""
    groups = {"request": "GET /g", "items": "g", "id": "id", "name": "name"}
    async with accounts(*[answering(404)] * 3, groups=groups, whoami={"request": "GET /me"}) as (those, _):
        assert isinstance(await those.search(email="anna@example.com", login="anna"), AppTrouble)
        assert isinstance(await those.groups(), AppTrouble)
        assert isinstance(await those.whoami(), AppTrouble)


async def test_a_404_is_nobody_only_where_the_preset_says_so() -> None:
    async with accounts(answering(404)) as (those, _):
        assert isinstance(await those.account(AccountId("7")), AppRefusal)
    async with accounts(answering(404), account={"request": "GET /u/{account}", "gone": [404]}) as (those, _):
        assert await those.account(AccountId("7")) is None


async def test_an_answer_about_another_account_is_trouble() -> None:
    async with accounts(answering(200, row(8, "x"))) as (those, _):
        assert isinstance(await those.account(AccountId("7")), AppTrouble)


async def test_what_a_preset_does_not_say_is_refused_without_a_call() -> None:
    async with accounts() as (those, app):
        assert isinstance(await those.groups(), AppRefusal)
        assert isinstance(await those.members(GroupId("1")), AppRefusal)
        assert await those.whoami() is None
    assert app.seen == []


async def test_groups_and_members_count_once() -> None:
    keys = {
        "groups": {"request": "GET /g", "items": "@", "id": "id", "name": "name"},
        "members": {"request": "GET /g/{group}", "items": "@", "id": "@"},
        "whoami": {"request": "GET /me", "item": "me"},
    }
    twice = [{"id": 1, "name": "A"}, {"id": 1, "name": "A"}, {"id": 2, "name": "A"}]
    script = (
        answering(200, twice),
        answering(200, [3, 4, 3]),
        answering(200, {"me": row(1, "root")}),
        answering(200, [{"id": 1}]),
    )
    async with accounts(*script, **keys) as (those, _):
        names = [AppGroup(id=GroupId(each), name=AppGroupName("A")) for each in ("1", "2")]
        assert await those.groups() == tuple(names)
        assert await those.members(GroupId("1")) == ("3", "4")
        assert isinstance(await those.whoami(), Member)
        assert isinstance(await those.groups(), AppTrouble)


async def test_a_letter_that_only_folds_to_another_is_another_address() -> None:
    async with accounts(answering(200, [row(7, "x", "ſam@example.com"), row(8, "y", "SAM@example.com")])) as (
        those,
        _,
    ):
        assert ids(await those.search(email="sam@example.com", login=None)) == ["8"]


async def test_accounts_are_listed_once_in_the_shape_that_the_list_has() -> None:
    shape = {"id": "id", "login": "login", "active": "`true`", "required": ["id", "login"]}
    keys = {"accounts": {"request": "GET /u", "items": "@", "member": shape}}
    rows = [{"id": 3, "login": "ada"}, {"id": 4, "login": "bob"}, {"id": 3, "login": "ada"}]
    async with accounts(answering(200, rows), answering(200, [{"id": 5}]), **keys) as (those, _):
        listed = await those.listed()
        assert isinstance(listed, tuple)
        assert [(one.id, one.is_active, one.groups) for one in listed] == [
            ("3", True, None),
            ("4", True, None),
        ]
        assert isinstance(await those.listed(), AppTrouble)


async def test_a_preset_without_a_list_of_accounts_lists_none() -> None:
    async with accounts() as (those, app):
        assert isinstance(await those.listed(), AppRefusal)
    assert app.seen == []


async def test_a_search_that_asks_for_one_account_may_find_none() -> None:
    search = {"requests": [{"request": "GET /u/{login}", "items": "[@]", "gone": [404]}]}
    async with accounts(answering(404), answering(200, row(1, "anna")), search=search) as (those, _):
        assert await those.search(email=None, login="anna") == ()
        assert ids(await those.search(email=None, login="anna")) == ["1"]
    async with accounts(answering(410), search=search) as (those, _):
        assert isinstance(await those.search(email=None, login="anna"), AppRefusal)


ALSO = {
    "member": {**SHAPE_KEYS, "groups": "teams", "group_id": "id", "required": ["teams"]},
    "account": {
        "request": "GET /u/{account}",
        "gone_when": "id == null",
        "also": {"teams": {"request": "GET /u/{account}/teams", "items": "rows"}},
    },
}


async def test_further_lists_stand_beside_the_accounts_own_keys() -> None:
    answers = (answering(200, row(1, "anna")), answering(200, {"rows": [{"id": "t"}]}))
    async with accounts(*answers, **ALSO) as (those, app):
        member = await those.account(AccountId("1"))
    assert isinstance(member, Member)
    assert member.groups == frozenset({GroupId("t")})
    assert [seen.target for seen in app.seen] == ["/u/1", "/u/1/teams"]


async def test_an_account_whose_further_list_cannot_be_read_is_not_believed() -> None:
    for fault in (answering(502), answering(200, {})):
        async with accounts(answering(200, row(1, "anna")), fault, **ALSO) as (those, _):
            assert isinstance(await those.account(AccountId("1")), AppTrouble)


async def test_a_success_that_says_that_there_is_nobody() -> None:
    async with accounts(answering(200, {"id": None}), **ALSO) as (those, app):
        assert await those.account(AccountId("1")) is None
    assert len(app.seen) == 1


WHO = {"request": "GET /me", "nobody": "kind == 'service'", "reread": True}


async def test_a_credential_of_a_service_is_nobodys_account() -> None:
    async with accounts(answering(200, {"kind": "service"}), whoami=WHO) as (those, _):
        assert await those.whoami() is None


async def test_the_own_account_is_read_again_where_it_is_shown_in_part() -> None:
    async with accounts(answering(200, {"id": 1}), answering(200, row(1, "root")), whoami=WHO) as (those, _):
        own = await those.whoami()
    assert isinstance(own, Member)
    assert own.login == "root"
    for answer in ({"id": None}, {"kind": "x"}):
        async with accounts(answering(200, answer), whoami=WHO) as (those, _):
            assert isinstance(await those.whoami(), AppTrouble)
    async with accounts(answering(502), whoami=WHO) as (those, _):
        assert isinstance(await those.whoami(), AppTrouble)
