"""`SqliteBindings` meets the port; several subjects may share an account."""

from pathlib import Path

from proxy.provisioning.model import AccountId
from proxy.provisioning.outbox import Bindings
from proxy.session.codec import KeyRing
from proxy.storage.sqlite.store import SqliteStore, open_store
from tests.contract.records import NOW, PARTNER, binding, vouched


async def bind(store: SqliteStore, name: str) -> None:
    entry = await store.outbox.note(vouched(name, idp=PARTNER), NOW)
    claim = await store.outbox.claim(holder="a", now=NOW, seconds=20, entry_id=entry.id)
    assert claim is not None
    assert await store.outbox.bind(claim, binding(name, "7", PARTNER)) is not None


async def test_bindings_outlive_a_restart_in_a_steady_order(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    for name in ("eve", "ada", "bob"):
        await bind(store, name)
    await store.close()
    store = open_store(path, ring)
    port: Bindings = store.bindings
    held = await port.bindings_of_account(AccountId("7"))
    assert [one.login for one in held] == ["ada", "bob", "eve"]
    assert await port.count_members() == 3
    await store.close()
