"""Other processes: killed in the middle of writing, or writing at the same time. No committed write is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.contract.engines import Engine, Store
from tests.contract.records import NOW, key, session, subject, vouched


@asynccontextmanager
async def child(engine: Engine, task: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """One of `child.py`'s tasks on this engine; killed at the end of the block if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *engine.child_command(task), stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    """The next line; a child that died instead answers with an empty one."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()


async def test_a_process_killed_mid_stream_loses_no_committed_write(
    engine: Engine, open_store: Callable[[], Store]
) -> None:
    async with child(engine, "write_for_ever") as process:
        for expected in range(25):
            assert await line(process) == str(expected)
        process.kill()
        assert process.stdout is not None
        late = (await process.stdout.read()).decode().split("\n")
    written = 25 + sum(part.isdigit() for part in late[:-1])
    store = open_store()
    for number in range(written):
        name = f"child-{number}"
        assert await store.sessions.load(key(name)) == session(name, name)
        assert await store.outbox.entry_of(subject(name)) is not None


async def test_a_half_written_pair_is_never_seen_after_a_kill(
    engine: Engine, open_store: Callable[[], Store]
) -> None:
    async with child(engine, "write_for_ever") as process:
        await line(process)
        process.kill()
    store = open_store()
    entries = await store.outbox.entries(None, 10_000)
    sessions = await store.sessions.created_before(NOW + 1, 10_000)
    assert {one.statements[0].subject for one in entries} == {one.subject for one in sessions}


async def test_a_killed_couriers_entry_is_taken_over_when_its_claim_ends(
    engine: Engine, store: Store
) -> None:
    await store.outbox.note(vouched(), NOW)
    async with child(engine, "claim_and_hang") as process:
        assert await line(process) == "True"
        process.kill()
    assert await store.outbox.claim(holder="next", now=NOW + 19, seconds=20) is None
    assert await store.outbox.claim(holder="next", now=NOW + 20, seconds=20) is not None


async def test_two_processes_write_at_once_and_nothing_is_lost(engine: Engine, store: Store) -> None:
    async with child(engine, "write_some") as process:
        assert await line(process) == "0"
        for number in range(100):
            await store.outbox.note(vouched(f"parent-{number}"), NOW)
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        assert output.decode().split()[-1] == "99"
    entries = await store.outbox.entries(None, 1000)
    assert len({entry.statements[0].subject for entry in entries}) == 200
    assert len({entry.statements[0].seq for entry in entries}) == 200
