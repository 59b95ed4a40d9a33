"""Rules per path, over sockets, against an app that reads paths as aiohttp does."""

import pytest

from tests.e2e import wire
from tests.e2e.conftest import Browsers, System
from tests.e2e.stack import COOKIE, Stack, session_value
from tests.fakes.browser import Browser

DESIGNERS = {"path": "/headers", "groups": ["designers"]}


async def cookie_of(stack: Stack, login: str) -> str:
    async with Browser() as browser:
        await browser.go(stack.muster.url("/echo"))
        await stack.idp.answer(browser, login)
        return f"Cookie: {COOKIE}={session_value(browser)}"


async def test_a_path_for_a_group_is_a_page_for_people_and_json_for_scripts(
    demo: System, browsers: Browsers
) -> None:
    async with demo(paths=[DESIGNERS]) as stack:
        bob, alice = await browsers(), await browsers()
        assert stack.app.shown(await stack.sign_in(bob, "bob")) == "bob"
        refused = await stack.sign_in(alice, "alice")
        assert refused.status == 403
        assert "path_not_allowed" in refused.text
        assert (await alice.go(stack.muster.url("/echo"))).status == 200
        scripted = await stack.look(alice)
        assert (scripted.status, scripted.json()["error"]) == (403, "path_not_allowed")


async def test_a_change_of_groups_reaches_the_rule_with_the_next_question(
    demo: System, browser: Browser
) -> None:
    async with demo(paths=[DESIGNERS]) as stack:
        assert (await stack.sign_in(browser, "bob")).status == 200
        await stack.idp.set_groups("bob", ["engineers"])
        refused = await stack.becomes(browser, 403)
        assert refused.json()["error"] == "path_not_allowed"
        await stack.idp.set_groups("bob", ["designers"])
        await stack.becomes(browser, 200)


async def test_groups_that_are_not_stated_open_nothing(demo: System, browser: Browser) -> None:
    async with demo(paths=[{"path": "/headers", "groups": ["engineers"]}]) as stack:
        await stack.idp.set_groups("alice", None)
        refused = await stack.sign_in(browser, "alice")
        assert (refused.status, "not_stated" in refused.text) == (403, True)


async def test_an_optional_path_names_whoever_is_signed_in(demo: System, browser: Browser) -> None:
    async with demo(paths=[{"path": "/headers", "identity": "optional"}]) as stack:
        stranger = await browser.go(stack.page)
        assert (stranger.status, "Nobody is signed in." in stranger.text) == (403, True)
        forged = await wire.send(stack.muster, "X-Forwarded-User: alice", f"Cookie: {COOKIE}=broken")
        assert (forged.status, b"Nobody is signed in." in forged.body) == (403, True)
        await browser.go(stack.muster.url("/echo"))
        await stack.idp.answer(browser, "alice")
        assert stack.app.shown(await browser.go(stack.page)) == "alice"


async def test_a_rule_says_how_strangers_are_answered(demo: System, browser: Browser) -> None:
    rules = [{"path": "/echo", "answer": "unauthorized"}, {"path": "/headers", "answer": "redirect"}]
    async with demo(paths=rules) as stack:
        assert (await browser.go(stack.muster.url("/echo"))).status == 401
        sent = await wire.send(stack.muster, "Accept: */*")
        assert (sent.status, "/_muster/sign-in" in sent.head) == (303, True)
        for fields, status in ((("Accept: */*",), 303), (("Sec-Fetch-Mode: cors",), 401)):
            target = sent.head.partition("Location: ")[2].partition("\r\n")[0].partition("/_muster")[2]
            there = await wire.send(stack.muster, *fields, request=f"GET /_muster{target} HTTP/1.1")
            assert (there.status, "set-cookie" in there.head.lower()) == (status, status == 303)


SPELLINGS = [
    "/headers/", "/HEADERS", "/%68eaders", "/headers%2f", "/headers;x=1", "//headers", "/./headers", "/x/../headers",
    "/echo/..%2fheaders", "/echo/%2e%2e/headers", "/echo/..;/headers", "/headers%00", "/headers%3f", "/headers%23",
    "/%2568eaders", "/headers%20", "/echo/..%5cheaders", "/echo\\..\\headers", "/%ef%bd%88eaders", "/static/%c0%ae%c0%ae/headers",
    "/static/..%252fheaders", "/static//../headers",
]  # fmt: skip


async def test_no_spelling_reaches_the_admin_part_around_its_rule(demo: System) -> None:
    """Alice may not see the page; nobody may without a session. The app answers 200 only where it reads `/headers`."""
    async with demo(paths=[DESIGNERS], open_paths=["/static/*"]) as stack:
        alice = await cookie_of(stack, "alice")
        for spelling in SPELLINGS:
            request = f"GET {spelling} HTTP/1.1"
            for fields in ((alice,), ()):
                reply = await wire.send(stack.muster, *fields, request=request)
                assert reply.status in (400, 401, 403, 404), spelling
                assert b"X-Forwarded-User" not in reply.body, spelling
        assert (
            await wire.send(stack.muster, alice, request="GET /headers?x=/../echo HTTP/1.1")
        ).status == 403


@pytest.mark.parametrize("path", ["/public", "/static/My%20file", "/static/%C3%A9"])
async def test_open_paths_stay_open(demo: System, path: str) -> None:
    async with demo(open_paths=["/public", "/static/*"], paths=[{"path": "/*", "groups": ["x"]}]) as stack:
        assert (await wire.send(stack.muster, request=f"GET {path} HTTP/1.1")).status in (200, 404)
