"""A Redis in every kind of trouble: people go on for the grace, then wait behind 503, and afterwards go on as before.

Nobody is let in who should not be, nobody meets another's session, and nobody is told to sign in again.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.app.storing import Store
from proxy.reasons import Reason
from proxy.session.cookie import new_cookie, session_key
from proxy.storage.keyring import load_keyring
from proxy.storage.redis.store import make_store
from tests.e2e.apps import LINKED, demo_app
from tests.e2e.conftest import Browsers
from tests.e2e.idps import TOKEN_REQUEST, demo_idp
from tests.e2e.redis_faults import (
    Fault,
    Scene,
    cluster_down,
    demoted,
    full,
    hung,
    killed,
    revoked,
    scene,
    slow,
    swallowed,
    torn,
)
from tests.e2e.stack import COOKIE, SOON, Stack, running, session_value
from tests.e2e.test_staying import groups_become
from tests.e2e.waiting import always, eventually
from tests.fakes.browser import Browser, LoopbackNames

GRACE = 5.0
"""`cache_grace` (Decision 3)."""

LATE_MACHINE = 2.0
"""How much later than its time a busy machine may do something."""

SURELY = 3.0
"""A question asked this early is decided within the grace, whatever the store takes to time out and the machine to wake."""

A_LONG_HOUR = {"every": "10m", "at_least": "1s"}
A_SHORT_HOUR = {"every": "4s", "at_least": "1s", "grace": "60s", "cool_off": "1s"}
CLUSTER = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000")


@asynccontextmanager
async def muster_on(folder: Path, /, *options: str, **changes: Any) -> AsyncIterator[tuple[Stack, Scene]]:
    own = folder / "muster"
    own.mkdir()
    async with (
        scene(folder, *options) as store,
        demo_idp() as idp,
        demo_app() as app,
        running(
            idp,
            app,
            own,
            store=store.section,
            keys_file=str(folder / "muster.keys"),
            **{"refresh": A_LONG_HOUR, **changes},
        ) as stack,
    ):
        yield stack, store


@asynccontextmanager
async def another_hand(folder: Path, on: Scene) -> AsyncIterator[Store]:
    """The same store, as another replica has it: by the server itself, not through the wire."""
    store = make_store(on.server.place(timeout=10), load_keyring(folder / "muster.keys"))
    try:
        yield store
    finally:
        await store.close()


@dataclass(slots=True)
class Watched:
    """People at work, each asked again and again. `seen` holds when each was asked (seconds since the start) and the status."""

    stack: Stack
    people: dict[str, Browser]
    begun: float = field(default_factory=time.monotonic)
    seen: list[tuple[float, int]] = field(default_factory=list)

    async def look(self) -> set[int]:
        """What everybody gets now: the page with their own name on it, or a 503."""
        return {await self._ask(login, browser) for login, browser in self.people.items()}

    async def _ask(self, login: str, browser: Browser) -> int:
        asked = time.monotonic() - self.begun
        answer = await self.stack.look(browser)
        assert answer.status in {200, 503}, answer.text
        if answer.status == 200:
            assert self.stack.app.shown(answer) == login
        else:
            assert answer.json()["error"] == Reason.STORE_UNAVAILABLE.value
            assert int(answer.headers["Retry-After"]) > 0
        self.seen.append((asked, answer.status))
        return answer.status

    async def until_heard(self) -> None:
        """What their sign-in itself announced was heard, four turns of the feed long, and they are in the cache again."""
        await always(self.look, {200}.__eq__, during=asyncio.sleep(1), what="all are served")

    async def until(self, status: int, within: float) -> None:
        await eventually(self.look, lambda seen: seen == {status}, within=within, what=f"all get {status}")


async def status_of(stack: Stack, cookie: str | None) -> int:
    """What a script with this cookie gets."""
    headers = {"Sec-Fetch-Mode": "cors", **({} if cookie is None else {"Cookie": f"{COOKIE}={cookie}"})}
    connector = aiohttp.TCPConnector(resolver=LoopbackNames())
    async with (
        aiohttp.ClientSession(connector=connector) as client,
        client.get(stack.page, headers=headers) as answer,
    ):
        return answer.status


async def nobody_is_let_in(stack: Stack, browser: Browser) -> None:
    """While the store is away and the grace is over: pages, strangers, cookies that nobody ever had, readiness."""
    before = await stack.app.pages()
    page = await browser.go(stack.page)
    assert (page.status, len(page.hops)) == (503, 1), "a page that says so, and no way to a sign-in"
    assert page.headers["Content-Type"].startswith("text/html")
    assert int(page.headers["Retry-After"]) > 0
    assert not [word for word in ("traceback", "redis") if word in page.text.lower()]
    assert await status_of(stack, None) == 401, "who shows no cookie is a stranger in any weather"
    assert await status_of(stack, new_cookie(secrets.token_bytes(32))) == 503, (
        "nobody knows whether it is one"
    )
    assert (await browser.fetch(stack.muster.url("/_muster/readyz"))).status == 503
    assert (await browser.fetch(stack.muster.url("/_muster/livez"))).status == 200
    assert await stack.app.pages() == before


FAULTS = [hung, killed, slow, torn, swallowed, revoked, demoted]


@pytest.mark.parametrize("fault", [*FAULTS, cluster_down], ids=lambda fault: fault.__name__)
async def test_people_are_served_for_the_grace_then_wait_behind_503_and_then_go_on(
    tmp_path: Path, browsers: Browsers, fault: Fault
) -> None:
    async with muster_on(tmp_path, *(CLUSTER if fault is cluster_down else ())) as (stack, store):
        people = {login: await browsers() for login in ("alice", "bob")}
        for login, browser in people.items():
            await stack.sign_in(browser, login)
        cookies = {login: session_value(browser) for login, browser in people.items()}
        assert await Watched(stack, people).look() == {200}
        async with fault(store):
            outage = Watched(stack, people)
            await outage.until(503, within=GRACE + SOON)
            assert {status for asked, status in outage.seen if asked < SURELY} == {200}
            assert max(asked for asked, status in outage.seen if status == 200) < GRACE + LATE_MACHINE
            await nobody_is_let_in(stack, people["alice"])
        await Watched(stack, people).until(200, within=SOON)
        assert {login: session_value(browser) for login, browser in people.items()} == cookies
        assert await stack.idp.refreshes() == 0


@pytest.mark.parametrize("fault", [slow, torn, swallowed], ids=lambda fault: fault.__name__)
async def test_a_session_that_ended_elsewhere_during_the_outage_is_refused_after_it(
    tmp_path: Path, browser: Browser, fault: Fault
) -> None:
    async with muster_on(tmp_path) as (stack, store), another_hand(tmp_path, store) as elsewhere:
        await stack.sign_in(browser, "alice")
        cookie = session_value(browser)
        key = session_key(cookie.encode())
        assert key is not None
        assert await status_of(stack, cookie) == 200
        async with fault(store):
            ended = time.monotonic()
            await elsewhere.sessions.end([key], Reason.SIGNED_OUT, time.time())
            seen = await eventually(
                lambda: status_of(stack, cookie), lambda status: status != 200, within=SOON, what="not served"
            )
            assert seen in {401, 503}
            assert time.monotonic() - ended < GRACE + LATE_MACHINE, (
                "the grace is the longest that anybody is believed"
            )
        seen = await eventually(
            lambda: status_of(stack, cookie), lambda status: status != 503, within=SOON, what="an answer"
        )
        assert seen == 401


async def test_a_channel_that_is_half_open_is_noticed_and_costs_nobody_anything(
    tmp_path: Path, browsers: Browsers
) -> None:
    """Only the connections that were open are dead: new ones are made within a time-out, well within the grace."""
    async with muster_on(tmp_path) as (stack, store), another_hand(tmp_path, store) as elsewhere:
        people = {login: await browsers() for login in ("alice", "bob")}
        for login, browser in people.items():
            await stack.sign_in(browser, login)
        key = session_key(session_value(people["bob"]).encode())
        assert key is not None
        watched = Watched(stack, {"alice": people["alice"]})
        await watched.until_heard()
        assert store.wire.swallow_those_open() > 0
        await elsewhere.sessions.end([key], Reason.SIGNED_OUT, time.time())
        ended = time.monotonic()
        while await status_of(stack, session_value(people["bob"])) == 200:
            assert await watched.look() == {200}
            assert time.monotonic() - ended < GRACE
        assert await status_of(stack, session_value(people["bob"])) == 401
        assert await watched.look() == {200}


@pytest.mark.parametrize("fault", [killed, swallowed, full, demoted], ids=lambda fault: fault.__name__)
async def test_tokens_that_could_not_be_written_are_kept_and_nothing_of_the_answer_is_lost(
    tmp_path: Path, browser: Browser, fault: Fault
) -> None:
    """The IdP answers while the store is away: with new tokens, and with other groups."""
    async with muster_on(tmp_path, refresh=A_SHORT_HOUR) as (stack, store):
        await stack.sign_in(browser, "alice")
        await stack.idp.set_groups("alice", ["designers"])
        before = await stack.idp.refreshes()
        hold = stack.idp.relay.hold_answers(TOKEN_REQUEST)
        waiting = asyncio.ensure_future(_asks_until(stack, browser, hold.arrived))
        await hold.arrived()
        async with fault(store):
            stack.idp.relay.stop_holding()
            hold.release()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await stack.becomes(browser, 503)
            assert await stack.idp.refreshes() == before + 1, "nobody asks while the answer is not written"
        await stack.recovers(browser)
        await groups_become(stack, "alice", {LINKED["designers"]})
        await stack.refreshed(browser)
        assert await stack.idp.refused() == 0, (
            "the next question was asked with the tokens that had been kept"
        )
        assert not stack.muster.has_logged(Reason.TIMER_STARTED.value)


async def _asks_until(stack: Stack, browser: Browser, _: Any) -> None:
    """Somebody works on, so that the session falls due under their hands."""
    while True:
        await stack.look(browser)


async def test_a_full_server_stops_sign_ins_and_renewals_and_lets_sessions_end(
    tmp_path: Path, browsers: Browsers
) -> None:
    async with (
        muster_on(tmp_path, refresh=A_SHORT_HOUR) as (stack, store),
        another_hand(tmp_path, store) as elsewhere,
    ):
        alice, bob, carol = await browsers(), await browsers(), await browsers()
        await stack.sign_in(alice, "alice")
        async with full(store):
            await stack.sign_in(bob, "bob")
            assert bob.page.status == 503
            assert await stack.app.creations() == 1, "no account was made for who could not be let in"
            await stack.becomes(alice, 503)
            assert await stack.idp.refreshes() == 0, "what cannot be marked is not spent"
        await stack.recovers(alice)
        await stack.sign_in(carol, "carol")
        async with full(store):
            key = session_key(session_value(carol).encode())
            assert key is not None
            await elsewhere.sessions.end([key], Reason.SIGNED_OUT, time.time())
            await stack.signed_out(carol, within=GRACE)
        assert await stack.idp.refused() == 0


async def test_what_waited_for_the_app_is_carried_out_after_the_store_was_killed(
    tmp_path: Path, browser: Browser
) -> None:
    """The outbox holds what should be; a store that dies over it and comes back has lost nothing of it."""
    async with muster_on(tmp_path, refresh=A_SHORT_HOUR) as (stack, store):
        await stack.sign_in(browser, "alice")
        await stack.idp.set_groups("alice", ["designers"])
        hold = stack.app.relay.hold(stack.app.joining)
        await stack.refreshed(browser)
        await hold.arrived()
        async with killed(store):
            await stack.becomes(browser, 503)
            hold.drop()
            stack.app.relay.stop_holding()
        await groups_become(stack, "alice", {LINKED["designers"]})
        await stack.recovers(browser)
