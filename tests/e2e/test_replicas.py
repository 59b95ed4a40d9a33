"""Three Musters on one store: one question an hour and session, whoever is asked and whoever dies (issue "no races")."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.apps import demo_app
from tests.e2e.idps import TOKEN_REQUEST, demo_idp
from tests.e2e.replicas import Replicas, replicas
from tests.e2e.stack import APPLIED_WITHIN, COOKIE, SOON, session_value
from tests.e2e.stores import Kept, engines
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser, LoopbackNames

REFRESH = {"every": "6s", "at_least": "1s", "grace": "60s", "cool_off": "1s"}
PARALLEL = int(os.environ.get("PARALLEL", "300"))
"""Requests at once; `make proof NAME=replicas` does it with a thousand."""


@asynccontextmanager
async def three(folder: Path, store: dict[str, Any], **changes: Any) -> AsyncIterator[Replicas]:
    async with (
        demo_idp() as idp,
        demo_app() as app,
        replicas(idp, app, folder, store=store, **{"refresh": REFRESH, **changes}) as system,
    ):
        yield system


on_both = pytest.mark.parametrize("kept", engines("sqlite", "redis"), indirect=True)
on_redis = pytest.mark.parametrize("kept", engines("redis"), indirect=True)
"""These take long, and what they show is not the engine's: `STORE=sqlite make proof NAME=replicas` shows it there as well."""


@pytest.fixture
def store(kept: Kept) -> dict[str, Any]:
    return kept.section


async def asked_at_once(system: Replicas, cookie: str, count: int) -> Counter[int | str]:
    """How that many scripts' requests, each on a connection of its own, were answered; `lost` when the connection broke."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True, resolver=LoopbackNames())
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=APPLIED_WITHIN)
    ) as client:

        async def one() -> int | str:
            headers = {"Cookie": f"{COOKIE}={cookie}", "Sec-Fetch-Mode": "cors"}
            try:
                async with client.get(system.stack.page, headers=headers) as answer:
                    await answer.read()
                    return answer.status
            except aiohttp.ClientError:
                return "lost"

        return Counter(await asyncio.gather(*(one() for _ in range(count))))


async def is_due(system: Replicas, browser: Browser) -> None:
    """Returns once a request waits: the replica that it went to has the lease, for no other has met this session."""

    async def waits() -> bool:
        try:
            async with asyncio.timeout(0.5):
                await system.stack.look(browser)
        except TimeoutError:
            return True
        return False

    await eventually(waits, bool, within=SOON, what="a request waits for the IdP")


@on_both
@pytest.mark.parametrize("delay", [0.0, 5.0])
async def test_a_due_session_is_asked_about_once_however_many_wait_at_however_many_replicas(
    tmp_path: Path, store: dict[str, Any], browser: Browser, delay: float
) -> None:
    async with three(tmp_path, store) as system:
        stack = system.stack
        system.only(system.members[0])
        await stack.sign_in(browser, "alice")
        hold = stack.idp.relay.hold(TOKEN_REQUEST)
        await is_due(system, browser)
        await hold.arrived()
        system.all_again()
        before = await stack.idp.refreshes()
        waiting = asyncio.ensure_future(asked_at_once(system, session_value(browser), PARALLEL))
        await asyncio.wait([waiting], timeout=max(delay, 0.5))
        assert (waiting.done(), hold.seen) == (False, 1), "all wait, for one question"
        stack.idp.relay.stop_holding()
        hold.release()
        assert await waiting == {200: PARALLEL}
        assert (await stack.idp.refreshes(), await stack.idp.refused()) == (before + 1, 0)


@on_redis
async def test_a_replica_killed_before_the_idp_saw_its_question_signs_nobody_out(
    tmp_path: Path, store: dict[str, Any], browser: Browser
) -> None:
    async with three(tmp_path, store) as system:
        stack, first = system.stack, system.members[0]
        system.only(first)
        await stack.sign_in(browser, "alice")
        hold = stack.idp.relay.hold(TOKEN_REQUEST)
        await is_due(system, browser)
        await hold.arrived()
        first.kill()
        stack.idp.relay.stop_holding()
        hold.drop()
        system.only(*system.members[1:])
        answers = await asked_at_once(system, session_value(browser), 100)
        assert set(answers) <= {200, 503}, answers
        await stack.recovers(browser)
        assert (await stack.idp.refreshes(), await stack.idp.refused()) == (1, 0)
        assert not system.have_logged("timer_started")


@on_redis
async def test_a_replica_killed_after_the_idp_answered_costs_a_silent_sign_in_and_no_timer(
    tmp_path: Path, store: dict[str, Any], browser: Browser
) -> None:
    async with three(tmp_path, store, idp={"ask_again_archives": {"after": "0s"}}) as system:
        stack, first = system.stack, system.members[0]
        system.only(first)
        await stack.sign_in(browser, "alice")
        before = await stack.account("alice")
        hold = stack.idp.relay.hold_answers(TOKEN_REQUEST)
        await is_due(system, browser)
        await hold.arrived()
        first.kill()
        stack.idp.relay.stop_holding()
        hold.drop()
        system.only(*system.members[1:])
        await stack.signed_out(browser, within=APPLIED_WITHIN)
        page = await browser.go(stack.page)
        assert (page.status, stack.app.shown(page)) == (200, "alice")
        assert len(page.hops) > 1
        assert not system.have_logged("timer_started")
        assert await stack.account("alice") == before


@on_redis
async def test_an_outage_of_the_idp_costs_one_attempt_a_session_and_cool_off_over_all_replicas(
    tmp_path: Path, store: dict[str, Any], browser: Browser
) -> None:
    refresh = {"every": "2s", "at_least": "1s", "grace": "60s", "cool_off": "30s"}
    async with three(tmp_path, store, refresh=refresh) as system:
        stack = system.stack
        await stack.sign_in(browser, "alice")
        await stack.idp.stop()

        async def served_and_asked() -> int:
            assert await asked_at_once(system, session_value(browser), 50) == {200: 50}
            return attempts(system)

        await eventually(
            served_and_asked, lambda count: count > 0, within=SOON, what="somebody asked the IdP"
        )
        for _ in range(3):
            assert await served_and_asked() == 1


def attempts(system: Replicas) -> int:
    """How often the IdP was asked in vain, as the replicas' logs say."""
    lines = (line for member in system.members for line in member.log())
    return sum("idp_trouble" in map(str, line.values()) for line in lines)


@on_both
async def test_a_session_ended_at_one_replica_is_refused_at_every_other_within_a_second(
    tmp_path: Path, store: dict[str, Any], browser: Browser
) -> None:
    async with three(tmp_path, store, refresh={**REFRESH, "every": "60s"}) as system:
        stack = system.stack
        await stack.sign_in(browser, "alice")
        cookie = session_value(browser)
        for member in system.members:
            system.only(member)
            assert await asked_at_once(system, cookie, 1) == {200: 1}
        system.only(system.members[0])
        page = await browser.go(stack.muster.url("/_muster/sign-out"))
        await browser.submit(page.form(lambda form: form.method == "POST"))
        loop = asyncio.get_running_loop()
        ended_at = loop.time()
        for member in system.members[1:]:
            system.only(member)
            await eventually(
                lambda: asked_at_once(system, cookie, 1),
                lambda answers: answers == {401: 1},
                within=SOON,
                what="refused",
            )
        assert loop.time() - ended_at < 2.0
