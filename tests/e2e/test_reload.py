"""SIGHUP: a configuration read anew without a dropped request, or refused without a change."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from tests.e2e.plain import Load, loaded, no_second_try, plain, plain_configuration
from tests.e2e.program import Muster
from tests.e2e.waiting import eventually

REQUESTS = int(os.environ.get("REQUESTS", "2000"))
CLIENTS = 16
RELOADS = 3
PAUSE = 0.05 if REQUESTS <= 2000 else 0.0
"""Seconds between two requests of a client, so that a few of them last as long as the reloads."""


def events(muster: Muster, name: str) -> int:
    return sum(record.get("event") == name for record in muster.log())


async def until_logged(muster: Muster, name: str, times: int = 1) -> None:
    async def count() -> int:
        return events(muster, name)

    await eventually(count, lambda seen: seen >= times, within=30, what=f"{times} × {name}")


@no_second_try
async def test_reloads_under_load_drop_no_request(tmp_path: Path) -> None:
    async with plain(tmp_path) as (muster, _):
        async with loaded(Load(muster.ports.public, new_every=4), REQUESTS, CLIENTS, pause=PAUSE) as load:
            for number in range(RELOADS):
                await eventually_answered(load, (number + 1) * REQUESTS // 10)
                muster.child.send(signal.SIGHUP)
                await until_logged(muster, "reloaded", number + 1)
        load.judge("reloads of one process", REQUESTS)
        assert load.closes >= CLIENTS // 2, "kept connections were told to close"
        assert "Traceback" not in muster.child.err


async def eventually_answered(load: Load, count: int) -> None:
    async def answered() -> int:
        return load.answered

    await eventually(answered, lambda seen: seen >= count, within=120, what=f"{count} answers")


async def test_the_new_configuration_is_what_is_served(tmp_path: Path) -> None:
    async with plain(tmp_path) as (muster, upstream):
        load = Load(muster.ports.public, path="/public/a")
        await load.run(1, 1)
        assert "401" in load.failures[0] or "303" in load.failures[0]
        muster.configure(plain_configuration(upstream, open_paths=["/public/*"]))
        muster.child.send(signal.SIGHUP)
        await until_logged(muster, "reloaded")
        again = Load(muster.ports.public, path="/public/a")
        await again.run(1, 1)
        assert again.failures == []


async def test_a_broken_configuration_changes_nothing_and_says_why(tmp_path: Path) -> None:
    async with plain(tmp_path) as (muster, _):
        good = muster.config_file.read_text()
        for broken in (
            "listen: [",
            json.dumps({**json.loads(good), "lissen": 1}),
            json.dumps({**json.loads(good), "workers": 2}),
            json.dumps({**json.loads(good), "listen": "192.0.2.1:9"}),
        ):
            before = events(muster, "reload_refused")
            muster.config_file.write_text(broken)
            muster.child.send(signal.SIGHUP)
            await until_logged(muster, "reload_refused", before + 1)
        refusals = [record for record in muster.log() if record.get("event") == "reload_refused"]
        assert {"lissen", "workers", "listen"} <= {record.get("where") for record in refusals}
        load = Load(muster.ports.public)
        await load.run(5, 1)
        assert (load.failures, load.closes) == ([], 0)
        muster.config_file.write_text(good)
        muster.child.send(signal.SIGHUP)
        await until_logged(muster, "reloaded")


async def test_a_request_of_the_old_generation_is_finished_and_sigterm_ends_all(tmp_path: Path) -> None:
    async with plain(tmp_path) as (muster, _):
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", muster.ports.public)
        slow = Load(muster.ports.public, path="/open/slow")
        running = asyncio.create_task(slow.run(1, 1))
        muster.child.send(signal.SIGHUP)
        await until_logged(muster, "reloaded")
        await running
        assert slow.failures == []
        # The connection that never asked anything is still there, of the generation that leaves.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(idle_reader.read(1), 0.2)
        muster.child.send(signal.SIGTERM)
        assert await muster.child.ended(seconds=10) == 0
        assert await idle_reader.read() == b""
        idle_writer.close()
