"""Restarts under load that fail no request: another process on the same socket, one after the other, and workers one by one.

The listening socket is passed on, as systemd does: its queue outlives each process. Two processes share one SQLite store for a
while. Somebody is signed in. A third of the clients opens a connection for each request, the others keep theirs; none tries
again.
"""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from proxy.demo.browser import Browser
from proxy.demo.idp import DemoIdp
from tests.e2e.plain import Load, app_port, loaded, no_second_try, plain, plain_configuration
from tests.e2e.program import Muster, choose_ports
from tests.e2e.test_reload import CLIENTS, PAUSE, REQUESTS, eventually_answered, until_logged
from tests.e2e.test_workers import WORKERS, children

RESTARTS = 2 if REQUESTS <= 2000 else 5
KEPT_OPEN = {"drain_idle": "5s"}


class Service:
    """What a supervisor has: a socket, one folder, and a process to restart."""

    def __init__(self, folder: Path, listening: socket.socket, upstream: int, issuer: str) -> None:
        self._idp = {"id": "corp", "issuer": issuer, "client_id": "muster"}
        self._folder = folder
        self._listening = listening
        self._upstream = upstream
        self.begun: list[Muster] = []

    @property
    def port(self) -> int:
        port: int = self._listening.getsockname()[1]
        return port

    async def begin(self, **more: Any) -> Muster:
        """One more process, which serves when this returns; each has its own `ops_listen`."""
        folder = self._folder / str(len(self.begun))
        folder.mkdir()
        shared = {"store": {"sqlite": "../muster.db"}, "keys_file": "../muster.keys"}
        at = {"listen": f"127.0.0.1:{self.port}", "ops_listen": None, "limits": KEPT_OPEN}
        config = plain_configuration(self._upstream, idps=[self._idp], **shared, **at, **more)
        muster = Muster(folder, choose_ports(), {**config, "public_url": f"http://app.localhost:{self.port}"})
        await muster.start(ready=None, passed=self._listening)
        self.begun.append(muster)
        await until_logged(muster, "listening")
        return muster

    async def signed_in(self) -> Load:
        """One person's requests, a third of them on connections of their own."""
        async with Browser() as browser:
            page = await browser.sign_in(f"http://app.localhost:{self.port}/private", "alice")
            assert page.status == 200, page.text
            cookie = browser.jar.value("app.localhost", "__Host-muster")
        return Load(self.port, new_every=3, path="/private", cookie=f"__Host-muster={cookie}")

    async def end(self, muster: Muster) -> None:
        muster.child.send(signal.SIGTERM)
        assert await muster.child.ended(seconds=60) == 0, muster.child.err

    def stop(self) -> None:
        for muster in self.begun:
            muster.child.stop()


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[Service]:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        async with app_port() as upstream:
            idp = DemoIdp(client_secret=None)
            one = Service(folder, listening, upstream, await idp.start())
            try:
                yield one
            finally:
                await asyncio.to_thread(one.stop)
                await idp.stop()


@no_second_try
async def test_a_process_that_takes_over_under_load_fails_no_request(tmp_path: Path) -> None:
    async with service(tmp_path) as one:
        muster = await one.begin()
        async with loaded(await one.signed_in(), REQUESTS, CLIENTS, pause=PAUSE) as load:
            for number in range(RESTARTS):
                await eventually_answered(load, (number + 1) * REQUESTS // 10)
                before, muster = muster, await one.begin()
                await one.end(before)
        load.judge("two processes that overlap", REQUESTS)
        assert load.closes >= CLIENTS // 2, "kept connections were told to close"


@no_second_try
async def test_a_process_after_the_other_fails_no_request(tmp_path: Path) -> None:
    """As `systemctl restart`: for a moment nobody is there, and who connects waits in the queue of the socket."""
    async with service(tmp_path) as one:
        muster = await one.begin()
        async with loaded(await one.signed_in(), REQUESTS, CLIENTS, pause=PAUSE) as load:
            for number in range(RESTARTS):
                await eventually_answered(load, (number + 1) * REQUESTS // 10)
                await one.end(muster)
                muster = await one.begin()
        load.judge("one process after the other", REQUESTS)


@no_second_try
async def test_workers_that_are_restarted_one_by_one_fail_no_request(tmp_path: Path) -> None:
    async with plain(tmp_path, workers=WORKERS, limits=KEPT_OPEN) as (muster, _):
        await until_logged(muster, "workers")
        async with loaded(Load(muster.ports.public, new_every=3), REQUESTS, CLIENTS, pause=PAUSE) as load:
            for number, worker in enumerate(children(muster.child.pid)):
                await eventually_answered(load, (number + 1) * REQUESTS // 10)
                os.kill(worker, signal.SIGTERM)
                await until_logged(muster, "listening", WORKERS + number + 1)
                assert worker not in children(muster.child.pid)
        load.judge("workers one by one", REQUESTS)
