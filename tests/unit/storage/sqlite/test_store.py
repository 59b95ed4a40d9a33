"""The store as a whole: opened twice, cleaned, closed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from proxy.errors import SettingsError, Unavailable
from proxy.session.codec import KeyRing, SealingKey
from proxy.storage.sqlite.store import UNREADABLE_KEPT_SECONDS, open_store
from tests.contract.records import NOW, key, next_version, session, vouched

STRANGERS = KeyRing(keys=(SealingKey(secret=b"s" * 32),))


async def test_a_command_opens_the_file_beside_the_server(path: Path, ring: KeyRing) -> None:
    server, command = open_store(path, ring), open_store(path, ring)
    await server.sessions.create(session())
    assert await command.sessions.load(key("one")) == session()
    await command.close()
    await server.sessions.ping()
    await server.close()


async def test_with_another_ring_nobody_is_signed_in_and_it_can_be_told(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    await store.sessions.create(session())
    assert await store.count_unreadable() == 0
    await store.close()
    other = open_store(path, STRANGERS)
    assert await other.sessions.load(key("one")) is None
    assert await other.count_unreadable() == 1
    await other.clean(NOW + UNREADABLE_KEPT_SECONDS)
    assert await other.count_unreadable() == 1
    await other.clean(NOW + UNREADABLE_KEPT_SECONDS + 1)
    assert await other.count_unreadable() == 0
    await other.close()


async def test_after_a_rotation_old_sessions_open_and_are_sealed_anew_when_saved(
    path: Path, ring: KeyRing
) -> None:
    store = open_store(path, ring)
    await store.sessions.create(session())
    await store.close()
    rotated = open_store(path, KeyRing(keys=(*STRANGERS.keys, *ring.keys)))
    lease = await rotated.sessions.acquire(key("one"), holder="a", now=NOW, seconds=30)
    held = await rotated.sessions.load(key("one"))
    assert held == session()
    assert lease is not None
    assert await rotated.sessions.save(next_version(held), lease=lease)
    await rotated.close()
    new_key_alone = open_store(path, STRANGERS)
    assert await new_key_alone.sessions.load(key("one")) == next_version(held)
    await new_key_alone.close()


async def test_closing_twice_is_harmless_and_closing_leaves_one_file(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    await store.outbox.note(vouched(), NOW)
    await store.close()
    await store.close()
    with pytest.raises(Unavailable):
        await store.outbox.note(vouched(), NOW)
    assert list(path.parent.iterdir()) == [path]


async def test_tables_that_somebody_removed_are_unavailable(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    with closing(sqlite3.connect(path)) as vandal:
        vandal.execute("DROP TABLE sessions")
    with pytest.raises(Unavailable):
        await store.sessions.load(key("one"))
    await store.close()


def test_what_cannot_be_opened_is_a_settings_error(tmp_path: Path, ring: KeyRing) -> None:
    with pytest.raises(SettingsError, match=r"store\.sqlite"):
        open_store(tmp_path / "nowhere" / "muster.db", ring)
