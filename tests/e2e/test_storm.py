"""A storm: many sessions fall due together at three replicas; the IdP is asked once about each, and everybody is served."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.identity import Subject
from proxy.session.cookie import new_cookie, session_key
from proxy.session.model import Ready, Session, Tokens
from tests.e2e.mixups import RunningApp
from tests.e2e.program import HOST, Muster, choose_ports
from tests.e2e.stores import Kept, engines
from tests.e2e.storm_idp import CLIENT_ID, StormIdp
from tests.fakes.people import identity, session

SESSIONS = int(os.environ.get("SESSIONS", "300"))
WINDOW = float(os.environ.get("WINDOW", "4"))
"""Seconds within which all fall due. `make proof NAME=storm`: 10,000 within a minute."""

REPLICAS = 3
BYSTANDERS = 10
LEAD = 3.0
"""Seconds between filling the store and the first session that is due."""


@dataclass(slots=True, kw_only=True)
class Served:
    """Answers by status, and how long people waited in seconds."""

    answers: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        ordered = sorted(self.waits)
        middle, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        return f"{dict(self.answers)}, p50 {middle * 1000:.0f} ms, p99 {late * 1000:.0f} ms, max {ordered[-1] * 1000:.0f} ms"


def somebody(number: int, issuer: str, due_at: float, now: float) -> tuple[str, Session]:
    """A cookie and its session, an hour old but for a little."""
    cookie = new_cookie(number.to_bytes(32, "big"))
    key = session_key(cookie.encode())
    assert key is not None
    login = f"person{number}"
    subject = Subject(issuer=issuer, subject=f"sub-{login}")
    return cookie, replace(
        session(login, number),
        key=key,
        subject=subject,
        identity=replace(identity(login), subject=subject, stated_at=now - 3600),
        account=Ready(login=login),
        tokens=Tokens(refresh_token=f"{login}.0"),
        created_at=now - 3600,
        last_seen_at=now,
        refreshed_at=now - 3600,
        due_at=due_at,
    )


class Crowd:
    """Everybody, over connections that all share. Each request goes to a replica chosen at random."""

    def __init__(self, client: aiohttp.ClientSession, ports: Sequence[int], host: str) -> None:
        self._client = client
        self._ports = ports
        self._host = host
        self.asked, self.beside = Served(), Served()

    async def ask(self, cookie: str, served: Served) -> None:
        headers = {"Host": self._host, "Cookie": f"__Host-muster={cookie}", "Sec-Fetch-Mode": "cors"}
        begun = time.monotonic()
        async with self._client.get(
            f"http://127.0.0.1:{random.choice(self._ports)}/plain/1", headers=headers
        ) as answer:
            await answer.read()
        served.answers[answer.status] += 1
        served.waits.append(time.monotonic() - begun)

    async def when_due(self, cookie: str, due_at: float) -> None:
        """Two requests at once, at two replicas as often as not, just after the hour."""
        await asyncio.sleep(max(0.0, due_at - time.time()) + random.random() * 0.2)
        await asyncio.gather(self.ask(cookie, self.asked), self.ask(cookie, self.asked))

    async def go_on(self, cookie: str) -> None:
        """Somebody whose hour is young works on, until cancelled."""
        while True:
            await self.ask(cookie, self.beside)
            await asyncio.sleep(0.1)


def configuration(kept: Kept, issuer: str, app: int, front: int) -> dict[str, Any]:
    return {
        "public_url": f"http://{HOST}:{front}",
        "upstream": {"url": f"http://127.0.0.1:{app}"},
        "store": kept.section,
        "keys_file": str(kept.keys_file),
        "idps": [{"id": "corp", "issuer": issuer, "client_id": CLIENT_ID}],
        "joining": {"domains": ["example.com"]},
        "headers": {"user_claim": "username"},
        "log": {"access": False},
    }


@pytest.mark.parametrize("kept", engines("sqlite", "redis"), indirect=True)
async def test_the_idp_is_asked_once_about_each_and_everybody_is_served(tmp_path: Path, kept: Kept) -> None:
    store = kept.open()
    ports = [choose_ports() for _ in range(REPLICAS)]
    started: list[Muster] = []
    async with StormIdp() as idp, RunningApp() as app:
        try:
            for number, own in enumerate(ports):
                folder = tmp_path / f"replica{number}"
                folder.mkdir()
                config = configuration(kept, idp.issuer, app.port, ports[0].public)
                started.append(Muster(folder, own, config))
                await started[-1].start()
            now = time.time()
            begins = now + LEAD + SESSIONS / 1000
            due = [begins + WINDOW * number / SESSIONS for number in range(SESSIONS)]
            people = [somebody(number + 1, idp.issuer, at, now) for number, at in enumerate(due)]
            others = [
                somebody(SESSIONS + number + 1, idp.issuer, now + 3600, now) for number in range(BYSTANDERS)
            ]
            for _, made in [*people, *others]:
                await store.sessions.create(made)
            await _storm(people, others, [one.public for one in ports], idp)
        finally:
            for one in started:
                await asyncio.to_thread(one.child.stop)
            await store.close()


async def _storm(
    people: Sequence[tuple[str, Session]],
    others: Sequence[tuple[str, Session]],
    ports: Sequence[int],
    idp: StormIdp,
) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=60), cookie_jar=aiohttp.DummyCookieJar()
    ) as client:
        crowd = Crowd(client, ports, f"{HOST}:{ports[0]}")
        working = [asyncio.create_task(crowd.go_on(cookie)) for cookie, _ in others]
        try:
            await asyncio.gather(*(crowd.when_due(cookie, made.due_at) for cookie, made in people))
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
    print(f"\n{len(people)} sessions due within {WINDOW:g} s: {crowd.asked}; bystanders: {crowd.beside}")
    assert crowd.asked.answers == {200: 2 * len(people)}
    assert crowd.beside.answers.keys() == {200}
    assert idp.refused == []
    assert idp.granted == Counter(
        {made.account.login: 1 for _, made in people if isinstance(made.account, Ready)}
    )
