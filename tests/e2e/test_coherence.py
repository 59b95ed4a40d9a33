"""What ends or changes at one place is known at every replica in under a second, on Redis, also after a fail-over."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.app.storing import Store
from proxy.errors import Unavailable
from proxy.reasons import Reason
from proxy.session.model import Ready, Session
from proxy.storage.keyring import load_keyring
from proxy.storage.redis.place import Place
from proxy.storage.redis.store import make_store
from tests.e2e.mixups import RunningApp
from tests.e2e.program import HOST, Muster, choose_ports
from tests.e2e.redis_faults import Wire
from tests.e2e.stack import COOKIE, SOON
from tests.e2e.test_mixups import somebody
from tests.e2e.waiting import eventually
from tests.fakes.processes import until
from tests.partners.redis_servers import RedisServer, SentinelGroup

UNDER = 1.0
GRACE = 5.0
NEW_NAME = "somebody-else"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Several Musters on one store, an app that says whom it was asked for, and a hand of the test's own on the store."""

    members: tuple[Muster, ...]
    store: Store
    client: aiohttp.ClientSession

    async def ask(self, member: Muster, cookie: str) -> tuple[int, str]:
        """What this replica answers a script, and whom the app was told."""
        headers = {
            "Host": f"{HOST}:{self.members[0].ports.public}",
            "Cookie": f"{COOKIE}={cookie}",
            "Sec-Fetch-Mode": "cors",
        }
        address = f"http://127.0.0.1:{member.ports.public}/plain/1"
        async with self.client.get(address, headers=headers) as answer:
            await answer.read()
            return answer.status, answer.headers.get("X-Who", "").partition(" ")[0]

    async def all_say(self, cookie: str, expected: tuple[int, str], within: float = SOON) -> None:
        """Returns once every replica does."""
        for member in self.members:
            await eventually(
                lambda member=member: self.ask(member, cookie),  # type: ignore[misc]  # bound at once
                lambda seen: seen == expected,
                within=within,
                what=f"{expected} at every replica",
            )

    async def known_to_all_after(self, cookie: str, expected: tuple[int, str]) -> float:
        """Seconds from now to the last request, at whichever replica, that was sent and still met what had been before."""
        begun = time.monotonic()
        return max(
            await asyncio.gather(
                *(self._last_old(member, cookie, expected, begun) for member in self.members)
            )
        )

    async def _last_old(self, member: Muster, cookie: str, expected: tuple[int, str], begun: float) -> float:
        last = 0.0
        while True:
            asked = time.monotonic() - begun
            if await self.ask(member, cookie) == expected:
                break
            last = asked
            assert asked < SOON, f"{expected} is never answered"
        for _ in range(20):
            assert await self.ask(member, cookie) == expected, "what is known is not forgotten"
        return last


@asynccontextmanager
async def system(
    folder: Path, section: dict[str, Any], place: Place, *, count: int = 3
) -> AsyncIterator[System]:
    keys_file = folder / "muster.keys"
    store = make_store(place, load_keyring(keys_file))
    ports = [choose_ports() for _ in range(count)]
    async with AsyncExitStack() as opened:
        opened.push_async_callback(store.close)
        app = await opened.enter_async_context(RunningApp())
        client = await opened.enter_async_context(
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=30)
            )
        )
        members = []
        for number, own in enumerate(ports):
            (folder / f"replica{number}").mkdir()
            config = {
                "public_url": f"http://{HOST}:{ports[0].public}",
                "upstream": {"url": f"http://127.0.0.1:{app.port}"},
                "store": {"redis": section},
                "keys_file": str(keys_file),
                "idps": [{"id": "corp", "issuer": "http://127.0.0.1:9", "client_id": "muster"}],
                "headers": {"user_claim": "username"},
            }
            members.append(Muster(folder / f"replica{number}", own, config))
            await members[-1].start()
            opened.push_async_callback(asyncio.to_thread, members[-1].child.stop)
        yield System(members=tuple(members), store=store, client=client)


async def signed_in(on: System, count: int) -> list[tuple[str, str, Session]]:
    """So many people with a session that every replica has in its cache: login, cookie, session."""
    people = [somebody(number, time.time()) for number in range(1, count + 1)]
    for login, cookie, made in people:
        await on.store.sessions.create(made)
        await on.all_say(cookie, (200, login))
    return people


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def group(tmp_path: Path) -> Iterator[SentinelGroup]:
    with SentinelGroup(tmp_path / "group", down_after=500) as running:
        running.wait_until_watched()
        yield running


async def test_an_end_and_a_change_of_headers_reach_three_replicas_in_under_a_second(
    tmp_path: Path, server: RedisServer
) -> None:
    section = {"url": f"unix://{server.socket}"}
    async with system(tmp_path, section, server.place(timeout=10)) as on:
        for _, cookie, made in await signed_in(on, 3):
            await on.store.sessions.set_account(made.subject, Ready(login=NEW_NAME))
            assert await on.known_to_all_after(cookie, (200, NEW_NAME)) < UNDER
            await on.store.sessions.end([made.key], Reason.SIGNED_OUT, time.time())
            assert await on.known_to_all_after(cookie, (401, "")) < UNDER


async def test_a_fail_over_costs_people_nothing_and_ends_and_changes_are_heard_of_after_it(
    tmp_path: Path, group: SentinelGroup
) -> None:
    """The first end is written at the first moment that the new master takes it, when the replicas may not have found it."""
    nodes = [str(one.address) for one in group.sentinels]
    section = {"sentinel": {"nodes": nodes, "master": "main"}}
    async with system(tmp_path, section, group.place(timeout=2)) as on:
        (_, first, ended), (login, second, made) = await signed_in(on, 2)
        group.wait_until_in_step()
        group.servers[0].kill()
        killed = time.monotonic()
        ending = asyncio.create_task(_until_taken(lambda: _end(on.store, ended)))
        while not ending.done():
            for member in on.members:
                asked = time.monotonic() - killed
                status, who = await on.ask(member, second)
                assert (status, who) == (200, login) or (status == 503 and asked > GRACE - 2), asked
        await ending
        assert await on.known_to_all_after(first, (401, "")) < GRACE
        await on.all_say(second, (200, login))
        await on.store.sessions.set_account(made.subject, Ready(login=NEW_NAME))
        assert await on.known_to_all_after(second, (200, NEW_NAME)) < UNDER
        await _end(on.store, made)
        assert await on.known_to_all_after(second, (401, "")) < UNDER


async def _end(store: Store, session: Session) -> None:
    await store.sessions.end([session.key], Reason.SIGNED_OUT, time.time())


async def _until_taken(write: Callable[[], Awaitable[None]]) -> None:
    """Returns once the store took it."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await write()
            except Unavailable:
                await asyncio.sleep(0.02)


async def test_a_load_that_an_end_overtakes_is_not_kept(tmp_path: Path, server: RedisServer) -> None:
    """The session is read, it ends, the end is heard of, and only then what was read arrives."""
    async with Wire(server.socket) as wire:
        section = {"url": f"redis://127.0.0.1:{wire.port}", "timeout": "30s"}
        async with system(tmp_path, section, server.place(timeout=10), count=1) as on:
            (muster,) = on.members
            login, cookie, made = somebody(1, time.time())
            await on.store.sessions.create(made)
            overtaken = wire.hold_answer_to(made.key.encode())
            request = asyncio.create_task(on.ask(muster, cookie))
            await until(lambda: overtaken.is_held, SOON, "the session is being read")
            await _end(on.store, made)
            await until(lambda: wire.answers_with(b":e:" + made.key.encode()) > 0, SOON, "the end is told")
            told = wire.questions_with(b":changes")
            await until(lambda: wire.questions_with(b":changes") > told, SOON, "it was heard")
            overtaken.release()
            assert await request in [(200, login), (401, "")], "it was asked before the end was heard of"
            for _ in range(20):
                assert await on.ask(muster, cookie) == (401, "")
