"""`SqliteLeases` meets its port, and a lease outlives the process that was granted it."""

from pathlib import Path

from proxy.provisioning.leases import NamedLeases
from proxy.session.codec import KeyRing
from proxy.storage.sqlite.store import open_store
from tests.contract.records import NOW


async def test_a_lease_outlives_a_restart_until_it_runs_out(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    leases: NamedLeases = store.leases
    assert await leases.acquire("sweep", holder="a", now=NOW, seconds=30) is not None
    await store.close()
    store = open_store(path, ring)
    assert await store.leases.acquire("sweep", holder="b", now=NOW + 1, seconds=30) is None
    assert await store.leases.acquire("sweep", holder="b", now=NOW + 30, seconds=30) is not None
    await store.close()
