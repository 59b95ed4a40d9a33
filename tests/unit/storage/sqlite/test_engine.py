"""Calls from coroutines: bounded, one snapshot a read, one commit a write."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.errors import SettingsError, Unavailable
from proxy.storage.sqlite.engine import SqliteEngine


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[SqliteEngine]:
    opened = SqliteEngine(path, timeout=0.3)
    yield opened
    await opened.close()


def latch(connection: sqlite3.Connection) -> int:
    return connection.execute("INSERT INTO latches VALUES ('idp:corp', 1) ON CONFLICT DO NOTHING").rowcount


def latches(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM latches").fetchone()[0])


async def test_a_write_is_seen_by_the_next_read(engine: SqliteEngine) -> None:
    assert await engine.write(latch) == 1
    assert await engine.read(latches) == 1


async def test_a_read_cannot_write(engine: SqliteEngine) -> None:
    with pytest.raises(Unavailable):
        await engine.read(latch)


async def test_reads_are_answered_while_the_writer_hangs(engine: SqliteEngine) -> None:
    release = threading.Event()
    hanging = asyncio.create_task(engine.write(lambda _: release.wait(10)))
    assert await engine.read(latches) == 0
    release.set()
    assert await hanging


async def test_a_disk_that_hangs_is_unavailable_within_the_time_out(engine: SqliteEngine) -> None:
    release = threading.Event()
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        with pytest.raises(Unavailable, match=r"0\.3 s"):
            await engine.write(lambda _: release.wait(10))
        with pytest.raises(Unavailable, match=r"0\.3 s"):
            await engine.write(latch)
        assert loop.time() - started < 5
    finally:
        release.set()
    await engine.write(lambda _: None)
    assert await engine.read(latches) == 0, "whoever was told Unavailable before it began has written nothing"


async def test_the_loop_goes_on_while_the_store_hangs(engine: SqliteEngine) -> None:
    release = threading.Event()
    hanging = asyncio.create_task(engine.read(lambda _: release.wait(10)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not hanging.done()
    release.set()
    await hanging


async def test_a_thread_that_hangs_does_not_keep_us_from_closing(path: Path) -> None:
    engine = SqliteEngine(path, timeout=0.1)
    release = threading.Event()
    with pytest.raises(Unavailable):
        await engine.write(lambda _: release.wait(10))
    await engine.close()
    release.set()


async def test_a_bug_in_a_transaction_is_not_disguised(engine: SqliteEngine) -> None:
    with pytest.raises(ZeroDivisionError):
        await engine.write(lambda _: 1 / 0)


async def test_what_cannot_be_opened_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        SqliteEngine(tmp_path / "nowhere" / "muster.db")


async def test_threads_end_with_the_engine(path: Path) -> None:
    before = threading.active_count()
    engine = SqliteEngine(path)
    assert threading.active_count() == before + 2
    await engine.close()
    deadline = asyncio.get_running_loop().time() + 5
    while threading.active_count() > before and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.01)
    assert threading.active_count() == before


@pytest.mark.parametrize("happens", ["moved", "replaced"])
async def test_a_file_that_is_not_the_one_we_opened_is_unavailable(tmp_path: Path, happens: str) -> None:
    """Whatever was written into a file that nobody will find again would be lost."""
    path = tmp_path / "muster.db"
    engine = SqliteEngine(path)
    path.rename(tmp_path / "gone.db")
    if happens == "replaced":
        path.touch()
    with pytest.raises(Unavailable, match="moved, deleted or replaced"):
        await engine.read(lambda connection: connection.execute("SELECT 1").fetchone())
    with pytest.raises(Unavailable, match="moved, deleted or replaced"):
        await engine.write(lambda connection: connection.execute("SELECT 1").fetchone())
    await engine.close()
