from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import pytest
from aiohttp import web

from proxy.demo.browser import Browser, Jar
from proxy.demo.listener import Listener


def make() -> web.Application:
    async def start(request: web.Request) -> web.Response:
        raise web.HTTPSeeOther("/form")

    async def form(request: web.Request) -> web.Response:
        text = '<form method="post" action="/done?x=1"><input name="kept" value="k"><input name="changed"></form>'
        response = web.Response(text=text, content_type="text/html")
        response.headers["Set-Cookie"] = "__Host-a=1; Path=/; Secure; HttpOnly"
        return response

    async def done(request: web.Request) -> web.Response:
        told = {**request.cookies, **await request.post(), **request.query, "host": request.host}
        return web.json_response({name: str(value) for name, value in told.items()})

    async def circle(request: web.Request) -> web.Response:
        raise web.HTTPSeeOther("/circle")

    application = web.Application()
    application.add_routes(
        [web.get("/", start), web.get("/form", form), web.post("/done", done), web.get("/circle", circle)]
    )
    return application


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listener = Listener(make)
    yield int((await listener.start()).rsplit(":", 1)[1])
    await listener.stop()


async def test_redirects_cookies_and_forms_work_on_a_localhost_name(port: int) -> None:
    async with Browser() as browser:
        page = await browser.open(f"http://app.localhost:{port}/")
        assert page.trail == (f"http://app.localhost:{port}/", f"http://app.localhost:{port}/form")
        answer = await browser.submit(page, page.forms[0], changed="c")
    assert answer.status == 200
    for told in (
        '"__Host-a": "1"',
        '"kept": "k"',
        '"changed": "c"',
        '"x": "1"',
        f'"host": "app.localhost:{port}"',
    ):
        assert told in answer.text


async def test_a_circle_of_redirects_is_an_error(port: int) -> None:
    async with Browser() as browser:
        with pytest.raises(RuntimeError, match="circles"):
            await browser.open(f"http://app.localhost:{port}/circle")


async def test_a_script_follows_nothing(port: int) -> None:
    async with Browser() as browser:
        assert (await browser.fetch(f"http://app.localhost:{port}/")).status == 303


def test_cookies_are_kept_by_host() -> None:
    jar = Jar()
    jar.keep("a.localhost", "x=1; Path=/")
    assert jar.header("a.localhost", "/") == "x=1"
    assert jar.header("b.localhost", "/") == ""


@pytest.mark.parametrize(
    "header",
    [
        "__Host-x=1; Path=/",
        "__Host-x=1; Path=/a; Secure",
        "__Host-x=1; Path=/; Secure; Domain=localhost",
        "__Host-x=1; Secure",
    ],
)
def test_a_host_cookie_that_breaks_its_promise_is_dropped(header: str) -> None:
    jar = Jar()
    jar.keep("app.localhost", header)
    assert jar.names("app.localhost") == set()


def test_a_cookie_is_cleared_replaced_and_held_to_its_path() -> None:
    jar = Jar()
    jar.keep("h", "x=1; Path=/p")
    assert jar.header("h", "/p/q") == "x=1"
    assert jar.header("h", "/pq") == ""
    jar.keep("h", "x=2; Path=/")
    assert jar.value("h", "x") == "2"
    jar.keep("h", "x=; Path=/; Max-Age=0")
    assert jar.value("h", "x") is None


def test_a_malformed_cookie_is_dropped() -> None:
    jar = Jar()
    jar.keep("h", "a b=1; Path=/")
    assert jar.names("h") <= set(SimpleCookie("b=1"))
