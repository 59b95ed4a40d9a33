"""What the port itself says: a role granted before, and the fake that keeps the port's promises for tests."""

from proxy.provisioning.model import EntryState
from proxy.provisioning.outbox import SOURCE_SCIM, Bindings, GuardLedger, Outbox, SharedCounters
from proxy.reasons import Reason
from tests.fakes.outbox import MemoryStore
from tests.fakes.provisioning import NOW, binding, known, removed, vouched


def test_scim_has_a_source_of_its_own() -> None:
    assert SOURCE_SCIM == "scim"


async def test_a_fake_store_is_every_port() -> None:
    store = MemoryStore()
    outbox: Outbox = store
    bindings: Bindings = store
    ledger: GuardLedger = store
    counters: SharedCounters = store
    assert (await outbox.figures(NOW)).open == 0
    assert await bindings.count_members() == 0
    assert await ledger.latched() == frozenset()
    assert await counters.reserve_creation("ada", NOW, window=60) == 1


async def test_an_acknowledgement_of_an_older_version_leaves_the_entry_open() -> None:
    store = MemoryStore()
    await store.note(vouched(groups=known("a")), NOW)
    claim = await store.claim(holder="x", now=NOW, seconds=20)
    assert claim is not None
    await store.note(removed(at=NOW + 1), NOW)
    entry = await store.ack(claim, now=NOW)
    assert entry is not None
    assert entry.state is EntryState.OPEN


async def test_whoever_lost_a_claim_writes_nothing() -> None:
    store = MemoryStore()
    await store.note(vouched(), NOW)
    first = await store.claim(holder="x", now=NOW, seconds=20)
    second = await store.claim(holder="y", now=NOW + 21, seconds=20)
    assert first is not None
    assert second is not None
    assert await store.ack(first, now=NOW) is None
    assert await store.bind(first, binding()) is None
    assert not await store.set_creating(first, "ada")
    await store.retry(first, at=NOW, reason=Reason.APP_TROUBLE, detail="")
    assert (await store.ack(second, now=NOW)) is not None
