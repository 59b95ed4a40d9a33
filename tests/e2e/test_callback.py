"""What comes back from the IdP by way of a browser is believed only when it answers this browser's own attempt."""

import sqlite3
from pathlib import Path

import pytest
from yarl import URL

from tests.e2e.conftest import Browsers, System
from tests.e2e.stack import Stack
from tests.fakes.browser import Answer, Browser

CALLBACK = "/_muster/callback"


async def at_the_callback(stack: Stack, browser: Browser, login: str = "alice") -> URL:
    """The callback's address with a good code, which the browser has not visited yet."""
    await browser.go(stack.page)
    await stack.idp.answer(browser, login, follow=False)
    return browser.page.location


def is_a_refusal(page: Answer) -> bool:
    """A page of ours with a code, that shows nothing of what came in or went wrong inside."""
    return (
        page.status in {400, 401}
        and page.headers["Content-Type"].startswith("text/html")
        and "Traceback" not in page.text
        and "no-store" in page.headers["Cache-Control"]
    )


def rows(database: Path, table: str) -> int:
    """How many rows a table of the store holds."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    connection.close()
    return count


async def nothing_came_of_it(stack: Stack, browser: Browser) -> bool:
    """No cookie, no session, no statement, no account, no page."""
    names = {cookie.name for cookie in browser.jar.of_host("app.localhost")}
    stored = rows(stack.muster.database, "sessions") + rows(stack.muster.database, "entries")
    asked = await stack.app.creations() + await stack.app.pages()
    return "__Host-muster" not in names and stored == 0 and asked == 0


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=x",
        "state=x",
        "code=&state=",
        "code=x&state=y",
        "error=access_denied",
        "code=x&state=y&iss=http://evil.example",
        "code=%00%ff&state=%0d%0aSet-Cookie:%20a=b",
        "code=" + "x" * 9000 + "&state=y",
    ],
)
async def test_a_callback_that_nobody_asked_for_is_refused(
    running_demo: Stack, browser: Browser, query: str
) -> None:
    page = await browser.go(URL(running_demo.muster.url(f"{CALLBACK}?{query}"), encoded=True))
    assert is_a_refusal(page)
    assert "Set-Cookie" not in page.headers or "__Host-muster=" not in page.headers["Set-Cookie"]
    assert await nothing_came_of_it(running_demo, browser)


@pytest.mark.parametrize(
    ("name", "value"),
    [("state", "forged"), ("iss", "http://evil.example"), ("state", None), ("iss", None), ("code", None)],
)
async def test_an_altered_callback_is_refused_before_any_call_to_the_idp(
    running_demo: Stack, browser: Browser, name: str, value: str | None
) -> None:
    callback = await at_the_callback(running_demo, browser)
    query = {key: text for key, text in callback.query.items() if key != name}
    altered = callback.with_query({**query, **({name: value} if value else {})})
    hold = running_demo.idp.relay.hold(b"POST /token")
    page = await browser.go(altered, link=True)
    assert is_a_refusal(page)
    assert hold.seen == 0
    assert await nothing_came_of_it(running_demo, browser)


async def test_a_parameter_twice_is_refused(running_demo: Stack, browser: Browser) -> None:
    callback = await at_the_callback(running_demo, browser)
    page = await browser.go(URL(f"{callback}&code=another", encoded=True), link=True)
    assert is_a_refusal(page)
    assert await nothing_came_of_it(running_demo, browser)


async def test_another_browsers_callback_is_refused(running_demo: Stack, browsers: Browsers) -> None:
    attacker, victim = await browsers(), await browsers()
    callback = await at_the_callback(running_demo, attacker, "bob")
    page = await victim.go(callback)
    assert is_a_refusal(page)
    assert await nothing_came_of_it(running_demo, victim)


async def test_a_callback_counts_once_even_with_its_cookies_put_back(
    running_demo: Stack, browser: Browser
) -> None:
    callback = await at_the_callback(running_demo, browser)
    kept = browser.jar.of_host("app.localhost")
    assert (await browser.follow()).status == 200
    for cookie in kept:
        browser.jar.put(cookie)
    assert is_a_refusal(await browser.go(callback))
    assert await running_demo.idp.refused() == 0, (
        "the code is not shown to the IdP again: that would revoke what it gave"
    )
    assert (await running_demo.look(browser)).status == 200, "the session of the first time goes on"


async def test_a_code_that_the_idp_does_not_know_makes_no_session(
    running_demo: Stack, browser: Browser
) -> None:
    callback = await at_the_callback(running_demo, browser)
    page = await browser.go(callback.update_query(code="guessed"), link=True)
    assert 400 <= page.status < 500
    assert page.headers["Content-Type"].startswith("text/html")
    assert await nothing_came_of_it(running_demo, browser)


async def test_cancelling_at_the_idp_is_a_page_and_ends_nothing(system: System, browsers: Browsers) -> None:
    async with system() as stack:
        there, canceller = await browsers(), await browsers()
        await stack.sign_in(there, "alice")
        await canceller.go(stack.page)
        page = await stack.idp.cancel(canceller)
        assert 400 <= page.status < 500
        assert page.url.path == CALLBACK
        assert (await stack.look(there)).status == 200
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active


async def test_tabs_do_not_overwrite_each_others_attempts(running_demo: Stack, browser: Browser) -> None:
    first = await browser.go(running_demo.muster.url("/headers?tab=1"))
    await browser.go(running_demo.muster.url("/headers?tab=2"))
    second = await running_demo.idp.answer(browser, "alice")
    assert str(second.url) == running_demo.muster.url("/headers?tab=2")
    browser.answer = first
    page = await running_demo.idp.answer(browser, "alice")
    assert (page.status, str(page.url)) == (200, running_demo.muster.url("/headers?tab=1"))


async def test_a_browser_that_never_finishes_keeps_at_most_ten_attempts(
    running_demo: Stack, browser: Browser
) -> None:
    for number in range(15):
        await browser.go(running_demo.muster.url(f"/headers?try={number}"))
    assert len(browser.jar.of_host("app.localhost")) <= 10
