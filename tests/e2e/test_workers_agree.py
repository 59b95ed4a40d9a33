"""The rules about people hold across the workers of one machine: one account, one question to the IdP, one end of a session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.e2e.conftest import Browsers, System
from tests.e2e.idps import TOKEN_REQUEST
from tests.e2e.stack import SOON, Stack, session_value
from tests.e2e.test_redis_faults import status_of
from tests.e2e.test_reload import until_logged
from tests.e2e.test_staying import requests_wait
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser

PEOPLE = 12
REQUESTS = 40
LONG = {"every": "10m", "at_least": "1s"}
SHORT = {"every": "6s", "at_least": "1s", "grace": "60s", "cool_off": "1s"}


@asynccontextmanager
async def two_workers(demo: System, **changes: object) -> AsyncIterator[Stack]:
    async with demo(workers=2, **changes) as stack:
        await until_logged(stack.muster, "workers")
        yield stack


async def test_first_visits_at_several_workers_make_one_account(demo: System, browsers: Browsers) -> None:
    async with two_workers(demo, refresh=LONG) as stack:
        profiles = [await browsers() for _ in range(PEOPLE)]
        for profile in profiles:
            await profile.go(stack.page)
            page = await stack.idp.answer(profile, "alice", follow=False)
            assert page.location.path.startswith("/_muster/callback")
        await asyncio.gather(*(profile.follow() for profile in profiles))

        async def looks() -> list[int]:
            return [answer.status for answer in await asyncio.gather(*(stack.look(one) for one in profiles))]

        await eventually(looks, lambda seen: seen == [200] * PEOPLE, within=SOON, what="everybody is served")
        assert await stack.account("alice") is not None
        assert (await stack.app.creations(), await stack.app.strangers()) == (1, 0)


async def test_requests_of_a_session_that_is_due_at_several_workers_ask_the_idp_once(
    demo: System, browser: Browser
) -> None:
    """Each request comes on a connection of its own, so both workers have some."""
    async with two_workers(demo, refresh=SHORT) as stack:
        await stack.sign_in(browser, "alice")
        cookie = session_value(browser)
        before = await stack.idp.refreshes()
        hold = stack.idp.relay.hold(TOKEN_REQUEST)
        await requests_wait(stack, browser)
        await hold.arrived()
        waiting = [asyncio.ensure_future(status_of(stack, cookie)) for _ in range(REQUESTS)]
        await asyncio.wait(waiting, timeout=0.5)
        assert hold.seen == 1, "one question"
        stack.idp.relay.stop_holding()
        hold.release()
        assert set(await asyncio.gather(*waiting)) == {200}
        assert await stack.idp.refreshes() == before + 1
        assert await stack.idp.refused() == 0


async def test_a_session_that_ended_at_one_worker_opens_nothing_at_the_other(
    demo: System, browser: Browser
) -> None:
    async with two_workers(demo, refresh=LONG) as stack:
        await stack.sign_in(browser, "alice")
        cookie = session_value(browser)

        async def statuses() -> set[int]:
            return set(await asyncio.gather(*(status_of(stack, cookie) for _ in range(REQUESTS))))

        assert await statuses() == {200}
        page = await browser.go(stack.muster.url("/_muster/profile"))
        await browser.submit(page.form(lambda form: form.action.endswith("/sign-out")), {})
        await eventually(statuses, {401}.__eq__, within=5, what="no worker serves it")
        for _ in range(5):
            assert await statuses() == {401}
