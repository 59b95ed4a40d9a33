"""Step-up over sockets: a path that demands a stronger or more recent sign-in, at both IdPs."""

import pytest

from tests.e2e import wire
from tests.e2e.apps import demo_app
from tests.e2e.conftest import System
from tests.e2e.idps import demo_idp
from tests.e2e.program import HOST
from tests.e2e.stack import COOKIE, Stack, running, session_value
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser

STRONG = {"path": "/headers", "acr_values": ["urn:example:strong"]}
RECENT = {"path": "/headers", "max_age": "5m"}


async def signed_in_elsewhere(stack: Stack, browser: Browser, login: str = "alice") -> None:
    """A session, made where no path demands more."""
    page = await browser.go(stack.muster.url("/echo"))
    assert (await stack.idp.answer(browser, login) if stack.idp.asks(page) else page).status == 200


async def ended(stack: Stack, value: str) -> None:
    """Returns once this cookie opens nothing: every process hears of a session's end within a second."""

    async def status() -> int:
        cookie = f"Cookie: {COOKIE}={value}"
        return (await wire.send(stack.muster, cookie, request="GET /echo HTTP/1.1")).status

    await eventually(status, lambda seen: seen == 401, within=5, what="the earlier session ended")


@pytest.mark.parametrize("rule", [STRONG, RECENT], ids=["acr", "max_age"])
async def test_a_path_that_demands_more_is_reached_by_signing_in_again(
    system: System, browser: Browser, rule: dict[str, object]
) -> None:
    async with system(paths=[rule]) as stack:
        await signed_in_elsewhere(stack, browser)
        await stack.idp.age("alice", 3600)
        browser.jar.clear(HOST)
        await signed_in_elsewhere(stack, browser)
        before = session_value(browser)
        refused = await stack.look(browser)
        assert (refused.status, refused.json()["error"]) == (401, "insufficient_user_authentication")
        assert "insufficient_user_authentication" in refused.headers["WWW-Authenticate"]
        assert await stack.app.pages() == 2
        assert stack.idp.asks(await browser.go(f"{stack.page}?to=pay&x=1"))
        page = await stack.idp.answer(browser, "alice")
        assert (page.status, stack.app.shown(page)) == (200, "alice")
        assert str(page.url) == f"{stack.page}?to=pay&x=1"
        assert (await stack.look(browser)).status == 200
        await ended(stack, before)


async def test_a_recent_enough_sign_in_at_the_idp_needs_no_second_one(
    system: System, browser: Browser
) -> None:
    async with system(paths=[RECENT]) as stack:
        await signed_in_elsewhere(stack, browser)
        page = await browser.go(stack.page)
        assert (page.status, stack.app.shown(page)) == (200, "alice")


async def test_another_person_at_the_step_up_is_signed_in_as_themselves(
    system: System, browser: Browser
) -> None:
    async with system(paths=[STRONG]) as stack:
        await signed_in_elsewhere(stack, browser)
        before = session_value(browser)
        assert stack.idp.asks(await browser.go(stack.page))
        page = await stack.idp.answer(browser, "bob")
        assert (page.status, stack.app.shown(page)) == (200, "bob")
        await ended(stack, before)


async def test_cancelling_a_step_up_costs_nothing(system: System, browser: Browser) -> None:
    async with system(paths=[STRONG]) as stack:
        await signed_in_elsewhere(stack, browser)
        assert stack.idp.asks(await browser.go(stack.page))
        assert (await stack.idp.cancel(browser)).status == 403
        assert (await browser.go(stack.muster.url("/echo"))).status == 200


@pytest.mark.parametrize("rule", [STRONG, RECENT], ids=["acr", "max_age"])
async def test_an_idp_that_passes_over_what_is_asked_ends_at_a_page_and_not_in_a_circle(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, rule: dict[str, object]
) -> None:
    folder = tmp_path_factory.mktemp("muster")
    async with (
        demo_idp(heeds_step_up=False, states_auth_time=False) as idp,
        demo_app() as app,
        running(idp, app, folder, paths=[rule]) as stack,
    ):
        await signed_in_elsewhere(stack, browser)
        assert idp.asks(await browser.go(stack.page)), "asked once more, to show its sign-in page"
        page = await idp.answer(browser, "alice")
        assert (page.status, "insufficient_user_authentication" in page.text) == (403, True)
        assert await stack.app.pages() == 1
        assert (await browser.go(stack.muster.url("/echo"))).status == 200
