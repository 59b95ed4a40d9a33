"""An engine that does not answer: `Unavailable` within the time-out, nothing written behind the caller's back."""

import asyncio

import pytest

from proxy.errors import Unavailable
from tests.contract.conftest import OpenStore
from tests.contract.engines import SHORT_TIMEOUT, Engine
from tests.contract.records import NOW, key, session, subject, vouched


async def test_writes_are_unavailable_in_time_and_work_again_afterwards(
    engine: Engine, open_store: OpenStore
) -> None:
    store = open_store(timeout=SHORT_TIMEOUT)
    started = asyncio.get_running_loop().time()
    with engine.silence(), pytest.raises(Unavailable):
        await store.sessions.create(session())
    assert asyncio.get_running_loop().time() - started < 5
    await store.sessions.create(session())
    assert await store.sessions.load(key("one")) == session()


async def test_what_was_refused_does_not_happen_later(engine: Engine, open_store: OpenStore) -> None:
    store = open_store(timeout=SHORT_TIMEOUT)
    with engine.silence():
        results = await asyncio.gather(
            *(store.outbox.note(vouched(f"p{number}"), NOW) for number in range(20)), return_exceptions=True
        )
    assert all(isinstance(result, Unavailable) for result in results)
    await store.outbox.note(vouched(), NOW)
    entries = await store.outbox.entries(None, 100)
    assert [entry.statements[0].subject for entry in entries] == [subject()]


async def test_a_closed_store_is_unavailable(open_store: OpenStore) -> None:
    store = open_store()
    await store.close()
    with pytest.raises(Unavailable):
        await store.sessions.load(key("one"))
    with pytest.raises(Unavailable):
        await store.sessions.create(session())


async def test_a_caller_that_goes_away_does_not_disturb_the_others(open_store: OpenStore) -> None:
    store = open_store()
    tasks = [asyncio.create_task(store.sessions.create(session(f"s{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [result for result in results[1::2] if result is not None] == []
    for number in range(1, 20, 2):
        assert await store.sessions.load(key(f"s{number}")) is not None
