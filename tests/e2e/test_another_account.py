"""Whoever is refused may use another account, at an IdP that knows `select_account` and at one that refuses the word."""

import html
import re

from tests.e2e.conftest import System
from tests.e2e.stack import Stack
from tests.fakes.browser import Answer, Browser


def offered(page: Answer) -> str:
    found = re.search(r'href="([^"]+)">Use another account', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


async def refused(stack: Stack, browser: Browser) -> Answer:
    page = await stack.sign_in(browser, "mallory")
    assert (page.status, "domain_not_allowed" in page.text) == (403, True)
    return page


async def test_the_idp_asks_again_although_it_knows_the_browser_and_the_other_person_arrives_at_the_page(
    system: System, browser: Browser
) -> None:
    async with system() as stack:
        page = await refused(stack, browser)
        asked = await browser.go(offered(page), link=True)
        assert stack.idp.asks(asked), asked.text[:500]
        arrived = await stack.idp.answer(browser, "bob")
        assert (arrived.status, stack.app.shown(arrived)) == (200, "bob")
        assert str(arrived.url) == stack.page
        assert await stack.account("mallory") is None


async def test_until_then_the_refusal_stays_and_nothing_goes_in_circles(
    system: System, browser: Browser
) -> None:
    async with system() as stack:
        page = await refused(stack, browser)
        await browser.go(offered(page), link=True)
        cancelled = await stack.idp.cancel(browser)
        assert cancelled.status == 403
        again = await browser.go(stack.page)
        assert (again.status, "domain_not_allowed" in again.text) == (403, True)
        assert len(again.hops) == 1, "no sign-in is begun by itself"
