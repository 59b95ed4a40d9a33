"""A browser that restores its tabs: each begins a sign-in of its own, and each arrives where it was going."""

import asyncio

from yarl import URL

from tests.e2e.conftest import Browsers, System
from tests.e2e.program import HOST
from tests.e2e.stack import Stack
from tests.fakes.browser import Answer, Browser

TABS = 10


async def tabs_of_one_browser(browsers: Browsers, count: int) -> list[Browser]:
    tabs = [await browsers() for _ in range(count)]
    for tab in tabs[1:]:
        tab.jar = tabs[0].jar
    return tabs


def attempts(browser: Browser) -> list[str]:
    return [cookie.name for cookie in browser.jar.of_host(HOST) if "-a-" in cookie.name]


def address(stack: Stack, number: int) -> URL:
    """With what a careless hand would decode, encode twice or lose."""
    return URL(f"{stack.page}?tab={number}&of=a%2Fb%20c&of=d&empty=", encoded=True)


def arrived(stack: Stack, page: Answer, number: int) -> None:
    assert (page.status, stack.app.shown(page)) == (200, "alice"), page.text[:500]
    assert str(page.url) == str(address(stack, number))


async def test_ten_tabs_that_sign_in_at_once_all_arrive_where_they_were_going(
    system: System, browsers: Browsers
) -> None:
    async with system() as stack:
        tabs = await tabs_of_one_browser(browsers, TABS)
        pages = await asyncio.gather(*(tab.go(address(stack, n)) for n, tab in enumerate(tabs)))
        assert all(stack.idp.asks(page) for page in pages)
        assert len(attempts(tabs[0])) == TABS
        pages = await asyncio.gather(*(stack.idp.answer(tab, "alice") for tab in tabs))
        for number, page in enumerate(pages):
            arrived(stack, page, number)
        assert attempts(tabs[0]) == []
        assert (await stack.account("alice")) is not None
        assert await stack.app.creations() == 1


async def test_an_eleventh_takes_the_place_of_the_oldest_alone(system: System, browsers: Browsers) -> None:
    """Cookies stay few whatever is opened; the oldest tab is told, and one click is enough for it."""
    async with system() as stack:
        tabs = await tabs_of_one_browser(browsers, TABS + 1)
        for number, tab in enumerate(tabs):
            assert stack.idp.asks(await tab.go(address(stack, number)))
            assert len(attempts(tab)) <= TABS
        oldest, *others = tabs
        for number, tab in enumerate(others, start=1):
            arrived(stack, await stack.idp.answer(tab, "alice"), number)
        told = await stack.idp.answer(oldest, "alice")
        assert (told.status, "no_attempt" in told.text) == (400, True)
        assert (await oldest.go(address(stack, 0))).status == 200
