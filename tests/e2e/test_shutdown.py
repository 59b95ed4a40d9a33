"""SIGTERM: what runs is finished, nothing new begins, the process ends with 0. And what a start does not wait for."""

import asyncio
import signal

import aiohttp
import pytest

from tests.e2e.conftest import System
from tests.e2e.idps import TOKEN_REQUEST
from tests.e2e.stack import SOON
from tests.e2e.test_staying import requests_wait
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser


async def test_a_request_in_flight_is_finished_and_the_process_ends_with_0(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        before = await stack.app.pages()
        slow = asyncio.ensure_future(browser.fetch(stack.muster.url("/slow?seconds=1.5")))
        await eventually(
            stack.app.pages, lambda count: count > before, within=SOON, what="the request is at the app"
        )
        stack.muster.child.send(signal.SIGTERM)

        async def is_refused() -> bool:
            try:
                async with (
                    aiohttp.ClientSession() as client,
                    client.get(f"http://127.0.0.1:{stack.muster.ports.public}/"),
                ):
                    return False
            except aiohttp.ClientConnectionError:
                return True

        await eventually(is_refused, bool, within=SOON, what="nobody new is let in")
        answer = await slow
        assert (answer.status, answer.text) == (200, "done\n")
        assert await stack.muster.child.ended() == 0


async def test_an_idle_process_ends_at_once(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        stack.muster.child.send(signal.SIGTERM)
        assert await stack.muster.child.ended(seconds=10) == 0
        assert "Traceback" not in stack.muster.child.err


async def test_it_waits_for_a_renewal_so_that_no_token_is_lost(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        hold = stack.idp.relay.hold_answers(TOKEN_REQUEST)
        await requests_wait(stack, browser)
        await hold.arrived()
        stack.muster.child.send(signal.SIGTERM)
        stack.idp.relay.stop_holding()
        with pytest.raises(AssertionError):
            await stack.muster.child.ended(seconds=0.5)
        hold.release()
        assert await stack.muster.child.ended() == 0
        await stack.muster.start()
        await stack.refreshed(browser)
        assert await stack.idp.refused() == 0


async def test_it_starts_while_the_idp_is_down_and_signs_in_once_it_is_up(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        stack.muster.stop()
        await stack.idp.stop()
        await stack.muster.start(ready="/_muster/livez")
        page = await browser.go(stack.page)
        assert page.status in {502, 503}
        assert "Traceback" not in page.text
        await stack.idp.start()

        async def sign_in() -> int:
            return (await stack.sign_in(browser, "alice")).status

        await eventually(sign_in, lambda status: status == 200, within=60, what="signed in")


async def test_it_starts_while_the_app_is_down_and_says_so(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        stack.muster.stop()
        hold = stack.app.relay.hold(b"")
        await stack.muster.start(ready="/_muster/livez")
        assert (await stack.look(browser)).status == 200
        stack.app.relay.stop_holding()
        hold.drop()
