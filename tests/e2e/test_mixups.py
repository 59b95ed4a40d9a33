"""No answer ever reaches another person: a hundred people over shared connections, two replicas, sessions that end meanwhile."""

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.reasons import Reason
from proxy.session.cookie import new_cookie, session_key
from proxy.session.model import Ready, Session
from tests.e2e.mixups import Crowd, RunningApp
from tests.e2e.program import HOST, Muster, choose_ports
from tests.e2e.stores import Kept, engines
from tests.fakes.people import session

REQUESTS = int(os.environ.get("REQUESTS", "20000"))
"""`make proof NAME=mixups` sends a million."""

PEOPLE = 100
ENDED = 10
CONNECTIONS = 48


def configuration(kept: Kept, app: int, front: int) -> dict[str, Any]:
    """Two of these share store and keys; without an admin API: who somebody is stands in the session."""
    return {
        "public_url": f"http://{HOST}:{front}",
        "upstream": {"url": f"http://127.0.0.1:{app}", "connections": 8},
        "store": kept.section,
        "keys_file": str(kept.keys_file),
        "idps": [{"id": "corp", "issuer": "http://127.0.0.1:9", "client_id": "muster"}],
        "headers": {"user_claim": "username"},
        "log": {"access": False},
    }


def somebody(number: int, now: float) -> tuple[str, str, Session]:
    """A login, a cookie, and the session that it opens."""
    cookie = new_cookie(number.to_bytes(32, "big"))
    key = session_key(cookie.encode())
    assert key is not None
    login = f"person{number}"
    made = replace(
        session(number=number),
        key=key,
        account=Ready(login=login),
        created_at=now,
        last_seen_at=now,
        refreshed_at=now,
        due_at=now + 3600,
    )
    return login, cookie, made


@pytest.mark.parametrize("kept", engines("sqlite", "redis"), indirect=True)
@pytest.mark.parametrize("seed", [1])
async def test_no_answer_reaches_another_person(tmp_path: Path, kept: Kept, seed: int) -> None:
    people = [somebody(number, time.time()) for number in range(1, PEOPLE + ENDED + 1)]
    store = kept.open()
    for _, _, made in people:
        await store.sessions.create(made)
    async with RunningApp() as app:
        first = choose_ports()
        members = [first, choose_ports()]
        started: list[Muster] = []
        try:
            for number, ports in enumerate(members):
                folder = tmp_path / f"replica{number}"
                folder.mkdir()
                started.append(Muster(folder, ports, configuration(kept, app.port, first.public)))
                await started[-1].start()
            living = {login: cookie for login, cookie, _ in people[:PEOPLE]}
            leaving = {login: cookie for login, cookie, _ in people[PEOPLE:]}
            crowd = Crowd(f"{HOST}:{first.public}", [one.public for one in members], living | leaving, seed)
            begun = time.monotonic()
            await crowd.ask(REQUESTS // 2, connections=CONNECTIONS)
            assert crowd.tally.answers.keys() <= {200, 304}, crowd.tally.answers
            await store.sessions.end(
                [made.key for _, _, made in people[PEOPLE:]], Reason.SIGNED_OUT, time.time()
            )
            await crowd.ask(REQUESTS // 2, connections=CONNECTIONS)
            print(f"\n{REQUESTS} requests in {time.monotonic() - begun:.1f} s: {crowd.tally}")
            assert crowd.tally.mixed == []
            assert crowd.tally.answers.keys() <= {200, 304, 401}, crowd.tally.answers
            assert crowd.tally.answers[401] > 0, "whoever was ended is refused"
            assert crowd.tally.lost.keys() <= leaving.keys(), "only what runs when a session ends is cut"
        finally:
            for one in started:
                await asyncio.to_thread(one.child.stop)
            await store.close()
