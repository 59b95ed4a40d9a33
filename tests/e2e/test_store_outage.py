"""A store that does not answer: 503 with a page that says so, never "sign in again", and the app is not called."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.e2e.conftest import Browsers, System
from tests.e2e.stack import SOON, Stack
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser

WAL_LOCKS = 120
"""Where SQLite keeps its eight locks on the log's index (unix VFS, `UNIX_SHM_BASE`): without them nobody reads."""


@contextmanager
def nobody_writes(database: Path) -> Iterator[None]:
    """Another connection is in the middle of a write that does not end."""
    connection = sqlite3.connect(database, isolation_level=None, timeout=10)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.close()


@asynccontextmanager
async def nobody_reads(database: Path) -> AsyncIterator[None]:
    """Another process holds every lock of the file's log: neither reading nor writing goes on."""
    descriptor = os.open(database.with_name(f"{database.name}-shm"), os.O_RDWR)
    try:
        async with asyncio.timeout(SOON):
            while not _locked(descriptor):
                await asyncio.sleep(0)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 8, WAL_LOCKS)
    except OSError:
        return False
    return True


async def served_again(stack: Stack, browser: Browser) -> None:
    async def look() -> int:
        answer = await stack.look(browser)
        assert answer.status != 401, "an outage of the store must not sign anybody out"
        return answer.status

    await eventually(
        look, lambda status: status == 200, within=SOON, what="served again with the same session"
    )


async def test_a_session_waits_behind_503_while_nothing_can_be_read(demo: System, browser: Browser) -> None:
    async with demo(refresh={"every": "1h"}) as stack:
        await stack.sign_in(browser, "alice")
        async with nobody_reads(stack.muster.database):

            async def look() -> int:
                answer = await stack.look(browser)
                assert answer.status in {200, 503}, answer.text
                return answer.status

            await eventually(look, lambda status: status == 503, within=SOON, what="503")
            before = await stack.app.pages()
            page = await browser.go(stack.page)
            assert (page.status, len(page.hops)) == (503, 1)
            assert int(page.headers["Retry-After"]) > 0
            assert "Traceback" not in page.text
            assert "sqlite" not in page.text.lower()
            assert await stack.app.pages() == before
        await served_again(stack, browser)


async def test_a_session_that_is_due_is_not_renewed_and_not_forwarded_while_nothing_can_be_written(
    demo: System, browser: Browser
) -> None:
    async with demo() as stack:
        await stack.sign_in(browser, "alice")
        with nobody_writes(stack.muster.database):

            async def look() -> int:
                answer = await stack.look(browser)
                assert answer.status in {200, 503}, answer.text
                return answer.status

            await eventually(look, lambda status: status == 503, within=SOON, what="503")
            before = (await stack.app.pages(), await stack.idp.refreshes())
            assert (await stack.look(browser)).status == 503
            assert (await stack.app.pages(), await stack.idp.refreshes()) == before
        await served_again(stack, browser)
        assert await stack.idp.refused() == 0


async def test_nobody_signs_in_while_nothing_can_be_written_and_no_account_is_made(
    demo: System, browsers: Browsers
) -> None:
    async with demo() as stack:
        bob = await browsers()
        with nobody_writes(stack.muster.database):
            page = await stack.sign_in(bob, "bob")
            assert page.status == 503
            assert "Traceback" not in page.text
            assert (await stack.app.creations(), await stack.app.pages()) == (0, 0)
        page = await stack.sign_in(bob, "bob")
        assert (page.status, stack.app.shown(page)) == (200, "bob")


async def test_readyz_says_no_and_livez_yes_while_the_store_is_away(demo: System, browser: Browser) -> None:
    async with demo() as stack:
        async with nobody_reads(stack.muster.database):
            answer = await eventually(
                lambda: browser.fetch(stack.muster.url("/_muster/readyz")),
                lambda seen: seen.status == 503,
                within=SOON,
                what="not ready",
            )
            assert b"Traceback" not in answer.body
            assert (await browser.fetch(stack.muster.url("/_muster/livez"))).status == 200
        await eventually(
            lambda: browser.fetch(stack.muster.url("/_muster/readyz")),
            lambda seen: seen.status == 200,
            within=SOON,
            what="ready again",
        )
