"""Step 7 of the story, and semantics §5.7: `kill -9` at the worst moments loses nothing, doubles nothing, signs nobody out."""

import asyncio

import aiohttp
import pytest

from tests.e2e.apps import HAND_MADE
from tests.e2e.conftest import System
from tests.e2e.idps import TOKEN_REQUEST
from tests.e2e.stack import APPLIED_WITHIN
from tests.e2e.test_staying import groups_become, requests_wait
from tests.fakes.browser import Browser


async def test_killed_between_the_statement_and_the_apps_call_it_is_applied_after_a_restart_once(
    every_system: System, browser: Browser
) -> None:
    async with every_system() as stack:
        await stack.sign_in(browser, "alice")
        await stack.app.join_by_hand("alice", HAND_MADE)
        hold = stack.app.relay.hold(stack.app.joining)
        await stack.idp.set_groups("alice", ["designers"])
        await stack.refreshed(browser)
        await hold.arrived()
        stack.muster.kill()
        stack.app.relay.stop_holding()
        hold.drop()
        assert await stack.app.joins("Designers") == 0
        await stack.muster.start()
        await groups_become(stack, "alice", {"Designers", HAND_MADE}, within=APPLIED_WITHIN)
        assert await stack.app.joins("Designers") == 1
        assert (await stack.look(browser)).status == 200


async def test_killed_after_the_app_did_it_and_before_muster_heard_it_is_not_done_twice(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        hold = stack.app.relay.hold_answers(stack.app.joining)
        await stack.idp.set_groups("alice", ["engineers", "designers"])
        await stack.refreshed(browser)
        await hold.arrived()
        stack.muster.kill()
        stack.app.relay.stop_holding()
        hold.drop()
        await stack.idp.set_groups("alice", ["designers"])
        await stack.muster.start()
        await stack.refreshed(browser)
        await groups_become(stack, "alice", {"Designers"}, within=APPLIED_WITHIN)
        assert await stack.app.joins("Designers") == 1


async def test_killed_while_the_account_is_made_there_is_one_account_and_it_is_theirs(
    every_system: System, browser: Browser
) -> None:
    async with every_system() as stack:
        await browser.go(stack.page)
        await stack.idp.answer(browser, "alice", follow=False)
        hold = stack.app.relay.hold_answers(stack.app.creation)
        visit = asyncio.ensure_future(browser.follow())
        await hold.arrived()
        stack.muster.kill()
        with pytest.raises(aiohttp.ClientError):
            await visit
        stack.app.relay.stop_holding()
        hold.drop()
        await stack.muster.start()
        await stack.sign_in(browser, "alice")
        await groups_become(stack, "alice", {"Developers"}, within=APPLIED_WITHIN)
        await stack.recovers(browser)
        assert (await stack.app.creations(), await stack.app.strangers()) == (1, 0)


async def test_killed_before_the_idp_saw_the_refresh_the_session_goes_on(
    system: System, browser: Browser
) -> None:
    async with system() as stack:
        await stack.sign_in(browser, "alice")
        hold = stack.idp.relay.hold(TOKEN_REQUEST)
        await requests_wait(stack, browser)
        await hold.arrived()
        stack.muster.kill()
        stack.idp.relay.stop_holding()
        hold.drop()
        await stack.muster.start()
        await stack.recovers(browser)
        await stack.refreshed(browser)
        assert not stack.muster.has_logged("timer_started")
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active


async def test_killed_after_the_idp_answered_the_browser_passes_the_idp_silently(
    system: System, browser: Browser
) -> None:
    """The new tokens are lost and the old one is spent: that is our doing, so no timer starts and nobody is asked anything."""
    async with system(idp={"ask_again_archives": {"after": "0s"}}) as stack:
        await stack.sign_in(browser, "alice")
        before = await stack.account("alice")
        hold = stack.idp.relay.hold_answers(TOKEN_REQUEST)
        await requests_wait(stack, browser)
        await hold.arrived()
        stack.muster.kill()
        stack.idp.relay.stop_holding()
        hold.drop()
        await stack.muster.start()
        await stack.signed_out(browser, within=APPLIED_WITHIN)
        page = await browser.go(stack.page)
        assert (page.status, stack.app.shown(page)) == (200, "alice")
        assert len(page.hops) > 1
        assert not stack.muster.has_logged("timer_started")
        assert await stack.account("alice") == before


async def test_a_session_survives_kill_9(system: System, browser: Browser) -> None:
    async with system() as stack:
        await stack.sign_in(browser, "alice")
        stack.muster.kill()
        await stack.muster.start()
        assert (await stack.look(browser)).status == 200
