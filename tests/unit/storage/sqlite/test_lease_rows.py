"""Leases in the session's row."""

import sqlite3

from proxy.session.codec import KeyRing
from proxy.storage.sqlite.lease_rows import drop_lease, extend_lease, grant_lease
from proxy.storage.sqlite.session_rows import insert_session
from tests.contract.records import NOW, forged, key, session


def test_fences_grow_over_grants_releases_and_expiry(connection: sqlite3.Connection, ring: KeyRing) -> None:
    insert_session(connection, ring, session())
    fences = []
    for number in range(3):
        lease = grant_lease(
            connection, key("one"), holder=str(number), now=NOW + number, until=NOW + number + 1
        )
        assert lease is not None
        fences.append(lease.fence)
        if number == 1:
            drop_lease(connection, lease)
    assert fences == [1, 2, 3]


def test_an_older_fence_neither_extends_nor_drops(connection: sqlite3.Connection, ring: KeyRing) -> None:
    insert_session(connection, ring, session())
    lease = grant_lease(connection, key("one"), holder="a", now=NOW, until=NOW + 30)
    assert lease is not None
    assert extend_lease(connection, forged(lease), until=NOW + 60) is None
    drop_lease(connection, forged(lease))
    assert extend_lease(connection, lease, until=NOW + 60) is not None


def test_an_expired_lease_that_nobody_took_is_still_its_holders(
    connection: sqlite3.Connection, ring: KeyRing
) -> None:
    insert_session(connection, ring, session())
    lease = grant_lease(connection, key("one"), holder="a", now=NOW, until=NOW + 1)
    assert lease is not None
    assert extend_lease(connection, lease, until=NOW + 60) is not None
    assert grant_lease(connection, key("one"), holder="b", now=NOW + 59, until=NOW + 99) is None
