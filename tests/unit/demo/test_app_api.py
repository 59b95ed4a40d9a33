from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from proxy.demo.app import DemoApp

ADMIN = {"Authorization": "Bearer demo-token"}


@pytest.fixture
async def app() -> AsyncIterator[DemoApp]:
    app = DemoApp(page_size=2)
    await app.start()
    yield app
    await app.stop()


async def call(
    app: DemoApp, method: str, path: str, body: Any = None, headers: dict[str, str] = ADMIN
) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.request(method, app.url + path, json=body) as answer,
    ):
        return answer.status, None if answer.status == 204 else await answer.json()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "demo-token"}])
@pytest.mark.parametrize("path", ["/api/users", "/api/me", "/control/log"])
async def test_without_the_token_nothing_is_told(app: DemoApp, path: str, headers: dict[str, str]) -> None:
    assert await call(app, "GET", path, headers=headers) == (401, {"error": "unauthorized"})


async def test_the_listing_has_all_statuses_and_pages(app: DemoApp) -> None:
    app.state.accounts[3].is_active = False
    status, first = await call(app, "GET", "/api/users")
    assert status == 200
    assert [one["login"] for one in first["users"]] == ["robot", "carol"]
    assert first["next"] == 2
    _, second = await call(app, "GET", "/api/users?page=2")
    assert [(one["login"], one["active"]) for one in second["users"]] == [("zoe", False)]
    assert second["next"] is None


async def test_an_account_is_created_read_and_changed(app: DemoApp) -> None:
    status, made = await call(
        app, "POST", "/api/users", {"login": "alice", "email": "a@example.com", "name": "Alice"}
    )
    assert status == 201
    assert made == {
        "id": 4,
        "login": "alice",
        "email": "a@example.com",
        "name": "Alice",
        "active": True,
        "admin": False,
        "role": "end-user",
        "groups": [],
    }
    _, changed = await call(app, "PATCH", "/api/users/4", {"active": False, "role": "builder"})
    assert (changed["active"], changed["role"]) == (False, "builder")
    assert await call(app, "GET", "/api/users/4") == (200, changed)


async def test_a_login_is_taken_once_even_by_an_archived_account(app: DemoApp) -> None:
    app.state.accounts[2].is_active = False
    assert await call(app, "POST", "/api/users", {"login": "carol"}) == (409, {"error": "login_taken"})


async def test_seats_limit_creating_and_restoring(app: DemoApp) -> None:
    app.state.seats = 3
    assert await call(app, "POST", "/api/users", {"login": "x"}) == (402, {"error": "seats"})
    await call(app, "PATCH", "/api/users/3", {"active": False})
    assert (await call(app, "POST", "/api/users", {"login": "x"}))[0] == 201
    assert await call(app, "PATCH", "/api/users/3", {"active": True}) == (402, {"error": "seats"})
    assert not app.state.accounts[3].is_active


async def test_joining_and_leaving_may_be_repeated(app: DemoApp) -> None:
    for _ in range(2):
        assert (await call(app, "PUT", "/api/groups/2/members/2"))[0] == 204
    assert await call(app, "GET", "/api/groups/2/members") == (200, {"members": [2]})
    for _ in range(2):
        assert (await call(app, "DELETE", "/api/groups/2/members/2"))[0] == 204
    assert await call(app, "GET", "/api/groups/2/members") == (200, {"members": []})


async def test_groups_are_listed_and_created_once(app: DemoApp) -> None:
    _, first = await call(app, "GET", "/api/groups")
    assert first == {
        "groups": [{"id": "2", "name": "Developers"}, {"id": "3", "name": "Designers"}],
        "next": 2,
    }
    assert await call(app, "POST", "/api/groups", {"name": "New"}) == (201, {"id": "5", "name": "New"})
    assert await call(app, "POST", "/api/groups", {"name": "New"}) == (409, {"error": "name_taken"})


async def test_me_is_the_robot(app: DemoApp) -> None:
    assert (await call(app, "GET", "/api/me"))[1]["login"] == "robot"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/users/99", None, 404),
        ("PUT", "/api/groups/99/members/1", None, 404),
        ("PUT", "/api/groups/2/members/99", None, 404),
        ("GET", "/api/nothing", None, 404),
        ("GET", "/api/users?page=x", None, 400),
        ("POST", "/api/users", [], 400),
        ("POST", "/api/users", {}, 422),
        ("POST", "/api/groups", {}, 422),
        ("PATCH", "/api/users/2", {"role": "king"}, 422),
        ("POST", "/control/faults", {"colour": 1}, 422),
    ],
)
async def test_nonsense_has_its_own_status(
    app: DemoApp, method: str, path: str, body: Any, status: int
) -> None:
    assert (await call(app, method, path, body))[0] == status


async def test_faults_can_be_set_and_mended(app: DemoApp) -> None:
    await call(app, "POST", "/control/faults", {"status": 429, "times": 1, "retry_after": 7})
    async with aiohttp.ClientSession(headers=ADMIN) as http, http.get(app.url + "/api/me") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert (await call(app, "GET", "/api/me"))[0] == 200
    await call(app, "POST", "/control/faults", {"status": 503})
    await call(app, "POST", "/control/faults", {})
    assert (await call(app, "GET", "/api/me"))[0] == 200


async def test_every_admin_call_is_written_down(app: DemoApp) -> None:
    await call(app, "GET", "/api/me")
    await call(app, "GET", "/api/users/99")
    assert [(one.method, one.path, one.status) for one in app.calls] == [
        ("GET", "/api/me", 200),
        ("GET", "/api/users/99", 404),
    ]
    _, log = await call(app, "GET", "/control/log")
    assert [one["path"] for one in log["calls"]] == ["/api/me", "/api/users/99"]
