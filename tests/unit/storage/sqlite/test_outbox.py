"""`SqliteOutbox` meets the port and counts what stands where."""

from pathlib import Path

from proxy.provisioning.outbox import Outbox, OutboxFigures
from proxy.session.codec import KeyRing
from proxy.storage.sqlite.store import open_store
from tests.contract.records import NOW, vouched


async def test_it_meets_the_port_and_outlives_a_restart(path: Path, ring: KeyRing) -> None:
    for age in (0.0, 60.0):
        store = open_store(path, ring)
        port: Outbox = store.outbox
        await port.note(vouched(), NOW)
        assert await port.figures(NOW + age) == OutboxFigures(open=1, parked=0, held=0, oldest_open_age=age)
        await store.close()


async def test_the_age_is_never_negative_when_clocks_differ(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    await store.outbox.note(vouched(), NOW)
    assert (await store.outbox.figures(NOW - 5)).oldest_open_age == 0.0
    await store.close()
