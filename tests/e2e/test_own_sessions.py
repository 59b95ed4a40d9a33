"""What somebody does on the profile page, and what a rotation of the sealing keys does to them: nothing."""

import asyncio

from tests.e2e.conftest import Browsers, System
from tests.e2e.stack import Stack
from tests.e2e.test_commands import muster
from tests.e2e.waiting import eventually
from tests.fakes.browser import Answer, Browser

SLOW = {"every": "1h", "at_least": "1s", "grace": "60s", "cool_off": "1s"}
AT_ONCE = 2.0
"""What is promised is one second; the machine of a test is busy."""


async def profile(stack: Stack, browser: Browser) -> Answer:
    page = await browser.go(stack.muster.url("/_muster/profile"))
    assert page.status == 200, page.text
    return page


async def press(browser: Browser, path: str, **fields: str) -> Answer:
    return await browser.submit(browser.page.form(lambda form: form.action.endswith(path)), fields)


async def test_somebody_ends_their_other_sessions_and_nobody_elses(demo: System, browsers: Browsers) -> None:
    async with demo(refresh=SLOW) as stack:
        laptop, phone, bobs = await browsers(), await browsers(), await browsers()
        await stack.sign_in(laptop, "alice")
        await stack.sign_in(phone, "alice")
        await stack.sign_in(bobs, "bob")
        page = await profile(stack, laptop)
        assert page.text.count("Chrome on Linux") >= 2
        after = await press(laptop, "/sessions/end", others="all")
        assert after.url.path == "/_muster/profile"
        assert "End all others" not in after.text
        await stack.signed_out(phone, within=AT_ONCE)
        assert (await stack.look(laptop)).status == 200
        assert (await stack.look(bobs)).status == 200
        await stack.logs("ended_by_person")


async def test_refresh_asks_the_idp_at_once_and_the_app_follows(demo: System, browser: Browser) -> None:
    async with demo(refresh=SLOW) as stack:
        await stack.sign_in(browser, "alice")
        await profile(stack, browser)
        soon = await press(browser, "/profile/refresh")
        assert soon.status == 429, "she signed in a moment ago"
        await stack.idp.set_groups("alice", ["designers"])

        async def refreshed() -> Answer:
            await profile(stack, browser)
            return await press(browser, "/profile/refresh")

        told = await eventually(refreshed, lambda page: page.status == 200, within=20, what="asked again")
        assert "New: designers. No longer: engineers." in told.text
        assert await stack.idp.refreshes() == 1
        headers = await eventually(
            lambda: stack.look(browser),
            lambda page: (
                page.status == 200 and stack.app.identity(page)["X-Forwarded-Groups"] == ["designers"]
            ),
            within=10,
            what="the app is told",
        )
        assert headers.status == 200


async def test_the_keys_rotate_under_a_running_server_and_nobody_is_signed_out(
    demo: System, browsers: Browsers
) -> None:
    async with demo(refresh=SLOW) as stack:
        laptop, phone = await browsers(), await browsers()
        await stack.sign_in(laptop, "alice")

        async def keys() -> list[tuple[bool, int]]:
            assert (await stack.look(laptop)).status == 200
            listed = (await muster(stack, "keys", "list", "--json")).json()
            assert listed["sessions_without_key"] == 0
            return [(key["seals"], key["sessions"]) for key in listed["keys"]]

        (old,) = (await muster(stack, "keys", "list", "--json")).json()["keys"]
        await muster(stack, "keys", "add", "--first")
        await eventually(keys, lambda found: found == [(True, 1), (False, 0)], within=20, what="sealed anew")
        await muster(stack, "keys", "retire", old["key"], "--now")
        assert await keys() == [(True, 1)]
        await stack.sign_in(phone, "alice")
        await asyncio.to_thread(stack.muster.stop)
        await stack.muster.start()
        for browser in (laptop, phone):
            assert (await stack.look(browser)).status == 200
