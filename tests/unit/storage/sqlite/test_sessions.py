"""`SqliteSessions`: transactions that announce what they wrote, and a feed that is cheap to poll."""

import sqlite3
from pathlib import Path

from proxy.session.codec import KeyRing
from proxy.session.store import SessionStore
from proxy.storage.sqlite.change_rows import newest_change
from proxy.storage.sqlite.lease_rows import grant_lease
from proxy.storage.sqlite.session_rows import load_session
from proxy.storage.sqlite.sessions import create_session, save_session
from proxy.storage.sqlite.store import open_store
from tests.contract.records import NOW, key, next_version, session


async def test_it_meets_the_port(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    port: SessionStore = store.sessions
    assert await port.latest_change() == 0
    await store.close()


def test_a_save_is_announced_only_when_it_was_written(connection: sqlite3.Connection, ring: KeyRing) -> None:
    create_session(connection, ring, session(), None)
    lease = grant_lease(connection, key("one"), holder="a", now=NOW, until=NOW + 30)
    assert lease is not None
    assert not save_session(connection, ring, session(), lease) or newest_change(connection) == 1
    before = newest_change(connection)
    assert save_session(connection, ring, next_version(session()), lease)
    assert newest_change(connection) == before + 1


def test_a_session_that_replaces_itself_is_not_ended(connection: sqlite3.Connection, ring: KeyRing) -> None:
    create_session(connection, ring, session(), key("one"))
    assert load_session(connection, ring, key("one")) == session()


async def test_no_token_reaches_the_disk_in_clear(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    await store.sessions.create(session())
    on_disk = b"".join(file.read_bytes() for file in path.parent.glob("muster.db*"))
    assert key("one").encode() in on_disk
    assert b"in-clear" not in on_disk
    await store.close()
