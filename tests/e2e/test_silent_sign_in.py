"""An IdP without refresh tokens: the browser passes it silently once the interval is over (semantics §5.6). The certified IdP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.apps import demo_app
from tests.e2e.conftest import Browsers
from tests.e2e.idps import CLIENT_ID, Certified, certified_idp
from tests.e2e.program import HOST
from tests.e2e.stack import Stack, running, session_value
from tests.fakes.browser import Answer, Browser
from tests.partners import oidc_provider

pytestmark = pytest.mark.partner

SIGN_IN = "/_muster/sign-in"


@asynccontextmanager
async def system(
    tmp_path: Path, *, par: str = "never", **changes: Any
) -> AsyncIterator[tuple[Stack, Certified]]:
    if (lack := oidc_provider.missing()) is not None:
        pytest.skip(lack)
    folder = tmp_path / "muster"
    folder.mkdir()
    async with (
        certified_idp(tmp_path / "idp", REFRESH_TOKENS="never") as idp,
        demo_app() as app,
        # In a pushed request the browser does not carry what is asked for, and these tests want to see it.
        running(idp, app, folder, idp={"par": par}, **changes) as stack,
    ):
        yield stack, idp


def prompts(page: Answer) -> list[str | None]:
    """What each authorization request on the way asked for."""
    return [hop.query.get("prompt") for hop in page.hops if "code_challenge" in hop.query]


async def redeemed(idp: Certified) -> list[str]:
    return [call.grant_type or "" for call in await idp.server.token_calls(CLIENT_ID)]


async def test_the_same_person_passes_unseen_and_keeps_account_and_page(
    tmp_path: Path, browser: Browser
) -> None:
    async with system(tmp_path) as (stack, idp):
        await stack.sign_in(browser, "alice")
        before, cookie = await stack.account("alice"), session_value(browser)
        script = await stack.signed_out(browser)
        assert script.json()["error"] == "not_signed_in"
        assert session_value(browser) == cookie, "a script starts nothing and ends nothing"
        page = await browser.go(f"{stack.page}?chapter=2")
        assert (page.status, stack.app.shown(page)) == (200, "alice")
        assert prompts(page) == ["none"]
        assert str(page.url).endswith("?chapter=2")
        assert session_value(browser) != cookie
        assert (await stack.look(browser)).status == 200
        assert await stack.account("alice") == before
        assert await redeemed(idp) == ["authorization_code"] * 2


async def test_the_groups_of_that_moment_arrive(tmp_path: Path, browser: Browser) -> None:
    async with system(tmp_path) as (stack, idp):
        await stack.sign_in(browser, "alice")
        await idp.set_groups("alice", ["designers"])
        await stack.signed_out(browser)
        await browser.go(stack.page)
        account = await stack.account("alice")
        assert account is not None
        assert account.groups == {"Designers"}


async def test_an_idp_that_wants_the_browser_gets_it_and_the_page_is_still_known(
    tmp_path: Path, browser: Browser
) -> None:
    async with system(tmp_path) as (stack, idp):
        await stack.sign_in(browser, "alice")
        await idp.server.log_out("alice")
        await stack.signed_out(browser)
        asked = await browser.go(f"{stack.page}?chapter=2")
        assert idp.asks(asked)
        assert prompts(asked) == ["none", None]
        page = await idp.answer(browser, "alice")
        assert (page.status, stack.app.shown(page)) == (200, "alice")
        assert str(page.url).endswith("?chapter=2")
        assert not stack.muster.has_logged("timer_started")


async def test_another_person_at_the_idp_is_a_new_sign_in_and_the_old_session_is_over(
    tmp_path: Path, browsers: Browsers
) -> None:
    async with system(tmp_path) as (stack, _):
        browser, other = await browsers(), await browsers()
        await stack.sign_in(browser, "alice")
        await stack.sign_in(other, "bob")
        old = session_value(browser)
        browser.jar.clear("127.0.0.1")
        for cookie in other.jar.of_host("127.0.0.1"):
            browser.jar.put(cookie)
        await stack.signed_out(browser)
        page = await browser.go(stack.page)
        assert (page.status, stack.app.shown(page)) == (200, "bob")
        assert prompts(page) == ["none"]
        stale = await browser.fetch(stack.page, headers={"Cookie": f"__Host-muster={old}"})
        assert stale.status == 401
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active


async def test_a_form_that_comes_too_late_is_not_lost_but_can_be_sent_again(
    tmp_path: Path, browser: Browser
) -> None:
    async with system(tmp_path) as (stack, _):
        page = await stack.sign_in(browser, "alice")
        await stack.signed_out(browser)
        sent = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html", "Content-Type": "text/plain"}
        late = await browser.fetch(stack.page, method="POST", data=b"long=text", headers=sent)
        assert (late.status, "Location" in late.headers) == (401, False)
        assert "send it again" in late.text
        tab = await browser.go(stack.page)
        assert tab.status == 200
        again = await browser.fetch(stack.page, method="POST", data=b"long=text", headers=sent)
        assert again.status not in {303, 401}
        assert page.status == 200


async def test_however_often_it_comes_back_at_once_it_is_no_circle(tmp_path: Path, browser: Browser) -> None:
    async with system(tmp_path, refresh={"every": "60s", "at_least": "60s"}) as (stack, _):
        await stack.sign_in(browser, "alice")
        address = stack.muster.url(f"{SIGN_IN}?silent=1&return_to=%2Fnowhere")
        answers = [await browser.go(address, follow=False) for _ in range(4)]
        assert [answer.status for answer in answers] == [303, 303, 303, 401]
        assert "sign_in_loop" in answers[-1].text
        assert any(cookie.name == "__Host-muster-silent" for cookie in browser.jar.of_host(HOST))
        assert (await browser.go(stack.page)).status == 200


async def test_ten_tabs_that_come_back_at_once_all_pass_unseen(tmp_path: Path, browsers: Browsers) -> None:
    async with system(tmp_path) as (stack, _):
        tabs = [await browsers() for _ in range(10)]
        for tab in tabs[1:]:
            tab.jar = tabs[0].jar
        await stack.sign_in(tabs[0], "alice")
        await stack.signed_out(tabs[0])
        addresses = [f"{stack.page}?tab={number}" for number in range(10)]
        pages = await asyncio.gather(*(tab.go(to) for tab, to in zip(tabs, addresses, strict=True)))
        assert [(page.status, str(page.url)) for page in pages] == [(200, to) for to in addresses]


async def test_pushed_requests_are_silent_as_well(tmp_path: Path, browser: Browser) -> None:
    async with system(tmp_path, par="always") as (stack, _):
        await stack.sign_in(browser, "alice")
        await stack.signed_out(browser)
        page = await browser.go(stack.page)
        assert (page.status, stack.app.shown(page)) == (200, "alice")
        assert any("silent" in hop.query for hop in page.hops)
        assert any("request_uri" in hop.query for hop in page.hops)
