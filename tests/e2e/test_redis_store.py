"""The story on Redis, alone and with two replicas: what one of them does, the other knows of within a second."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.apps import HAND_MADE, demo_app
from tests.e2e.conftest import System
from tests.e2e.idps import demo_idp
from tests.e2e.replicas import Replica, Replicas, replicas
from tests.e2e.stack import SOON, Stack, session_value
from tests.e2e.test_commands import muster
from tests.e2e.test_leaving import archived
from tests.e2e.test_staying import groups_become
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser
from tests.partners.redis_servers import RedisServer

AT_ONCE = {"ask_again_archives": {"after": "0s"}}
A_LONG_HOUR = {"every": "10m", "at_least": "1s"}
"""Nobody is asked again while the test lasts."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def store(server: RedisServer) -> dict[str, Any]:
    return {"redis": {"url": f"unix://{server.socket}"}}


@asynccontextmanager
async def two(folder: Path, store: dict[str, Any], **changes: Any) -> AsyncIterator[Replicas]:
    async with (
        demo_idp() as idp,
        demo_app() as app,
        replicas(idp, app, folder, store=store, count=2, **{"refresh": A_LONG_HOUR, **changes}) as system,
    ):
        yield system


async def served_by(system: Replicas, replica: Replica, browser: Browser) -> int:
    """What this replica answers a script on the page."""
    system.only(replica)
    return (await system.stack.look(browser)).status


async def test_sign_in_refresh_group_change_and_suspension(
    demo: System, store: dict[str, Any], browser: Browser
) -> None:
    async with demo(store=store, idp=AT_ONCE) as stack:
        page = await stack.sign_in(browser, "alice")
        assert (page.status, stack.app.shown(page)) == (200, "alice")
        cookie = session_value(browser)
        await stack.app.join_by_hand("alice", HAND_MADE)
        await stack.idp.set_groups("alice", ["designers"])
        await stack.refreshed(browser)
        await groups_become(stack, "alice", {"Designers", HAND_MADE})
        assert session_value(browser) == cookie
        before = await stack.account("alice")
        await stack.idp.suspend("alice")
        await stack.signed_out(browser)
        account = await archived(stack, "alice")
        assert before is not None
        assert account.id == before.id
        await stack.idp.resume("alice")
        assert (await stack.sign_in(browser, "alice")).status == 200
        restored = await stack.account("alice")
        assert restored is not None
        assert (restored.id, restored.is_active) == (before.id, True)


async def test_a_restarted_muster_goes_on_where_it_was_killed(
    demo: System, store: dict[str, Any], browser: Browser
) -> None:
    async with demo(store=store) as stack:
        await stack.sign_in(browser, "alice")
        cookie = session_value(browser)
        stack.muster.kill()
        await stack.muster.start()
        assert (await stack.look(browser)).status == 200
        assert session_value(browser) == cookie
        assert not stack.muster.database.exists(), "nothing is kept beside the server"


async def test_a_killed_server_that_comes_back_costs_nobody_the_session(
    demo: System, store: dict[str, Any], server: RedisServer, browser: Browser
) -> None:
    async with demo(store=store, refresh=A_LONG_HOUR) as stack:
        await stack.sign_in(browser, "alice")
        await _flushed(server)
        server.kill()
        await stack.becomes(browser, 503)
        server.start()
        await stack.becomes(browser, 200)
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active


async def _flushed(server: RedisServer) -> None:
    """Returns once what was written is in the append-only file: with `everysec` a second may pass."""

    async def look() -> int:
        return int(server.client.info("persistence")["aof_pending_bio_fsync"])

    server.call("CONFIG", "SET", "appendfsync", "always")
    server.call("SET", "{tests}:mark", "1")
    await eventually(look, lambda pending: pending == 0, within=SOON, what="the file is written")


async def test_a_session_made_at_one_replica_is_known_at_the_other_and_ends_there_in_under_a_second(
    tmp_path: Path, store: dict[str, Any], browser: Browser
) -> None:
    async with two(tmp_path, store) as system:
        first, second = system.members
        system.only(first)
        await system.stack.sign_in(browser, "alice")
        for replica in (second, first):
            assert await served_by(system, replica, browser) == 200, "both have it in their cache now"
        assert await system.stack.idp.refreshes() == 0
        ended = await _end_by_command(system.stack, "alice")

        async def look() -> int:
            return await served_by(system, second, browser)

        await eventually(look, lambda status: status == 401, within=SOON, what="refused at the other")
        assert time.monotonic() - ended < 1.0
        assert await served_by(system, first, browser) == 401


async def _end_by_command(stack: Stack, login: str) -> float:
    """The moment at which the command said that it was done; what remains is the replicas' to hear."""
    ran = await muster(stack, "sessions", "end", f"{login}@example.com")
    assert ran.code == 0
    return time.monotonic()


async def test_a_link_stored_by_command_is_seen_by_both_replicas(
    tmp_path: Path, store: dict[str, Any], browser: Browser
) -> None:
    async with two(tmp_path, store, groups={"links": []}) as system:
        stack = system.stack
        await stack.sign_in(browser, "alice")
        account = await stack.account("alice")
        assert account is not None
        assert "Developers" not in account.groups
        for replica in system.members:
            assert await served_by(system, replica, browser) == 200
        await muster(stack, "groups", "link", "Developers", "engineers")
        await groups_become(stack, "alice", {"Developers"})
        for replica in system.members:
            await _names_the_group(system, replica, browser)


async def _names_the_group(system: Replicas, replica: Replica, browser: Browser) -> None:
    async def look() -> list[str]:
        system.only(replica)
        return system.stack.app.identity(await system.stack.look(browser))["X-Forwarded-Groups"]

    await eventually(look, lambda groups: groups == ["engineers"], within=SOON, what="the header follows")


async def test_commands_see_what_the_server_wrote(
    demo: System, store: dict[str, Any], browser: Browser
) -> None:
    async with demo(store=store) as stack:
        await stack.sign_in(browser, "alice")
        shown = (await muster(stack, "members", "show", "alice@example.com", "--json")).json()
        assert "alice" in str(shown)

        async def audited() -> list[str]:
            ran = await muster(stack, "audit", "--who", "alice@example.com", "--json")
            return [line for line in ran.out.splitlines() if line]

        lines = await eventually(audited, bool, within=SOON, what="the audit trail is written")
        assert any("sign_in" in line for line in lines)
        assert (await muster(stack, "parked", "list", "--json")).code == 0
