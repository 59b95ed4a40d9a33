"""`SqliteJoint` meets the gate's port; a fault between the two writes leaves neither."""

from pathlib import Path

import pytest

from proxy.gate.ports import JointStore
from proxy.session.codec import KeyRing
from proxy.storage.sqlite.store import open_store
from tests.contract.records import NOW, key, session, subject, vouched


async def test_it_meets_the_port(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    port: JointStore = store.joint
    entry = await port.note_and_create(vouched(), session(), replaces=None, now=NOW)
    assert entry.version == 1
    await store.close()


async def test_when_the_statement_cannot_be_written_the_session_is_not_either(
    path: Path, ring: KeyRing
) -> None:
    store = open_store(path, ring)
    unwritable = vouched("\ud800")
    with pytest.raises(UnicodeEncodeError):
        await store.joint.note_and_create(unwritable, session(), replaces=None, now=NOW)
    assert await store.sessions.load(key("one")) is None
    assert await store.outbox.entry_of(subject()) is None
    await store.close()
