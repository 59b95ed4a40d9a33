"""Several processes on one address: who dies comes back, a reload exchanges all of them, and the end is in order."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.plain import Load, loaded, no_second_try, plain, plain_configuration
from tests.e2e.program import Ports
from tests.e2e.test_reload import PAUSE, REQUESTS, eventually_answered, until_logged
from tests.e2e.waiting import eventually

WORKERS = 2


def children(pid: int) -> list[int]:
    """The processes that a process forked and not yet reaped."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@no_second_try
async def test_reloads_under_load_drop_no_request(tmp_path: Path) -> None:
    async with plain(tmp_path, workers=WORKERS) as (muster, _):
        await until_logged(muster, "workers")
        before = children(muster.child.pid)
        async with loaded(Load(muster.ports.public, new_every=4), REQUESTS, 16, pause=PAUSE) as load:
            for number in range(2):
                await eventually_answered(load, (number + 1) * REQUESTS // 8)
                muster.child.send(signal.SIGHUP)
                await until_logged(muster, "reloaded", number + 1)
        load.judge("reloads of two workers", REQUESTS)

        async def gone() -> bool:
            return not set(before) & set(children(muster.child.pid))

        await eventually(gone, bool, within=30, what="the first workers left")
        assert "Traceback" not in muster.child.err


async def test_a_worker_that_dies_is_forked_again_while_the_other_serves(tmp_path: Path) -> None:
    async with plain(tmp_path, workers=WORKERS) as (muster, _):
        await until_logged(muster, "workers")
        victim, survivor = children(muster.child.pid)
        os.kill(victim, signal.SIGKILL)
        await until_logged(muster, "worker_died")
        load = Load(muster.ports.public)
        await load.run(50, 5)
        assert load.failures == []

        async def whole() -> bool:
            return len(children(muster.child.pid)) == WORKERS

        await eventually(whole, bool, within=20, what="two workers again")
        assert survivor in children(muster.child.pid)
        assert victim not in children(muster.child.pid)


async def test_sigterm_lets_requests_finish_and_leaves_no_process(tmp_path: Path) -> None:
    async with plain(tmp_path, workers=WORKERS) as (muster, _):
        await until_logged(muster, "workers")
        pids = children(muster.child.pid)
        slow = Load(muster.ports.public, path="/open/slow")
        running = asyncio.create_task(slow.run(4, 4))
        await asyncio.sleep(0.2)
        muster.child.send(signal.SIGTERM)
        await running
        assert slow.failures == []
        assert await muster.child.ended() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_without_their_parent_the_workers_end(tmp_path: Path) -> None:
    async with plain(tmp_path, workers=WORKERS) as (muster, _):
        await until_logged(muster, "workers")
        pids = children(muster.child.pid)
        muster.child.send(signal.SIGKILL)

        async def gone() -> bool:
            return not any(_runs(pid) for pid in pids)

        await eventually(gone, bool, within=20, what="nobody is left")


def _runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def test_a_broken_configuration_and_one_that_cannot_begin_change_nothing(tmp_path: Path) -> None:
    async with plain(tmp_path, workers=WORKERS) as (muster, upstream):
        await until_logged(muster, "workers")
        pids = children(muster.child.pid)
        (tmp_path / "broken.db").write_bytes(b"this is no database, whatever its name says" * 50)
        faults: tuple[dict[str, Any], ...] = ({"lissen": 1}, {"store": {"sqlite": "broken.db"}})
        for number, broken in enumerate(faults):
            muster.configure(plain_configuration(upstream, workers=WORKERS, **broken))
            muster.child.send(signal.SIGHUP)
            await until_logged(muster, "reload_refused", number + 1)
        assert children(muster.child.pid) == pids
        muster.configure(plain_configuration(upstream, workers=3))
        muster.child.send(signal.SIGHUP)
        await until_logged(muster, "reloaded")
        load = Load(muster.ports.public)
        await load.run(20, 4)
        assert load.failures == []


async def test_a_first_team_that_cannot_begin_ends_with_the_workers_exit_code(tmp_path: Path) -> None:
    (tmp_path / "muster.db").write_bytes(b"this is no database, whatever its name says" * 50)
    async with plain(tmp_path, ready=None, workers=WORKERS) as (muster, _):
        assert await muster.child.ended() == 2
        assert "muster.db" in muster.child.err


async def test_each_worker_shows_its_own_figures(tmp_path: Path) -> None:
    async with plain(tmp_path, workers=WORKERS) as (muster, _):
        await until_logged(muster, "workers")
        load = Load(muster.ports.public)
        await load.run(200, 20)
        counted = [await requests(muster.ports, number) for number in range(WORKERS)]
        assert sum(counted) >= 200

        async def lines() -> int:
            return sum(record.get("path") == "/open/a" for record in muster.log())

        await eventually(lines, lambda count: count == 200, within=10, what="a whole line for each")


async def requests(ports: Ports, number: int) -> float:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{ports.ops + number}/metrics") as answer,
    ):
        text = await answer.text()
    return sum(
        float(line.split()[-1]) for line in text.splitlines() if line.startswith("muster_requests_total")
    )
