import asyncio
import io
from collections.abc import AsyncIterator

import aiohttp
import pytest

from proxy.demo.app import DemoApp

CAROL = {"X-Forwarded-User": "carol"}


@pytest.fixture
async def app() -> AsyncIterator[DemoApp]:
    app = DemoApp()
    await app.start()
    yield app
    await app.stop()


@pytest.fixture
async def http(app: DemoApp) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(app.url) as http:
        yield http


async def test_the_home_page_greets_the_account_that_the_header_names(http: aiohttp.ClientSession) -> None:
    async with http.get("/", headers=CAROL) as answer:
        text = await answer.text()
    assert "Hello, Carol Carter" in text
    assert "Book club" in text


@pytest.mark.parametrize("path", ["/", "/headers", "/echo", "/slow", "/events"])
@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-User": "nobody"}])
async def test_nobody_else_gets_in(http: aiohttp.ClientSession, path: str, headers: dict[str, str]) -> None:
    async with http.get(path, headers=headers) as answer:
        assert answer.status == 403


async def test_an_archived_account_gets_403(app: DemoApp, http: aiohttp.ClientSession) -> None:
    app.state.accounts[2].is_active = False
    async with http.get("/", headers=CAROL) as answer:
        assert answer.status == 403


async def test_headers_are_told_as_json(http: aiohttp.ClientSession) -> None:
    async with http.get("/headers", headers={**CAROL, "X-Forwarded-Groups": "a,b"}) as answer:
        told = await answer.json()
    assert ["X-Forwarded-Groups", "a,b"] in told["headers"]
    assert told["account"]["login"] == "carol"
    assert told["groups"] == ["Book club"]


async def test_the_echo_sends_a_large_body_back(http: aiohttp.ClientSession) -> None:
    body = bytes(range(256)) * 8192
    async with http.post("/echo", data=io.BytesIO(body), headers=CAROL) as answer:
        assert await answer.read() == body


async def test_the_slow_page_takes_its_time(http: aiohttp.ClientSession) -> None:
    started = asyncio.get_running_loop().time()
    async with http.get("/slow?seconds=0.05", headers=CAROL) as answer:
        assert await answer.text() == "done\n"
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_events_come_one_by_one(http: aiohttp.ClientSession) -> None:
    async with http.get("/events?every=0.01", headers=CAROL) as answer:
        assert answer.content_type == "text/event-stream"
        assert await answer.content.readuntil(b"\n\n") == b"id: 1\ndata: tick 1\n\n"
        assert await answer.content.readuntil(b"\n\n") == b"id: 2\ndata: tick 2\n\n"


async def test_anybody_may_see_the_public_and_the_admin_page(http: aiohttp.ClientSession) -> None:
    async with http.get("/public") as answer:
        assert answer.status == 200
    async with http.get("/admin") as answer:
        assert "zoe@example.com" in await answer.text()


async def test_every_page_view_is_written_down(app: DemoApp, http: aiohttp.ClientSession) -> None:
    for headers in (CAROL, {"X-Forwarded-User": "nobody"}, {}):
        async with http.get("/", headers=headers):
            pass
    assert [(view.login, view.status) for view in app.views] == [("carol", 200), ("nobody", 403), (None, 403)]


async def test_what_a_header_says_is_never_markup(app: DemoApp, http: aiohttp.ClientSession) -> None:
    async with http.get("/", headers={**CAROL, "X-Note": "<b>hi</b>"}) as answer:
        assert "<b>hi</b>" not in await answer.text()
