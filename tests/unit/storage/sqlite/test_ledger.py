"""`SqliteLedger` meets its two ports, and cleaning forgets what no window can hold."""

import sqlite3
from pathlib import Path

from proxy.provisioning.outbox import GuardLedger, SharedCounters
from proxy.session.codec import KeyRing
from proxy.storage.sqlite.ledger import COUNTS_KEPT_SECONDS, trim_counts
from proxy.storage.sqlite.store import open_store
from tests.contract.records import NOW


async def test_it_meets_both_ports_and_a_latch_outlives_a_restart(path: Path, ring: KeyRing) -> None:
    store = open_store(path, ring)
    guard: GuardLedger = store.ledger
    counters: SharedCounters = store.ledger
    assert await guard.latch("idp:corp", NOW)
    assert await counters.reserve_creation("ada", NOW, window=3600) == 1
    await store.close()
    store = open_store(path, ring)
    assert await store.ledger.latched() == {"idp:corp"}
    await store.close()


def test_cleaning_forgets_a_day_old_count_and_no_younger_one(connection: sqlite3.Connection) -> None:
    rows = [("guard:idp:corp", "old", NOW - COUNTS_KEPT_SECONDS), ("guard:idp:corp", "young", NOW - 3600)]
    connection.executemany("INSERT INTO counted VALUES (?, ?, ?)", rows)
    trim_counts(connection, NOW)
    assert connection.execute("SELECT person FROM counted").fetchall() == [("young",)]
