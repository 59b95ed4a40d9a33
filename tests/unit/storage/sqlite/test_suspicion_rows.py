"""Timers as rows, and what cleaning may forget."""

import sqlite3

from proxy.session.store import Suspicion
from proxy.storage.sqlite.suspicion_rows import (
    STARTS_KEPT_SECONDS,
    cancel_timer,
    count_starts,
    fired_timers,
    freeze_timers,
    start_timer,
    trim_timers,
)
from tests.contract.records import CORP, NOW, subject

TIMER = Suspicion(subject=subject(), idp=CORP, started_at=NOW, fires_at=NOW + 10)


def test_only_a_start_counts_towards_a_storm(connection: sqlite3.Connection) -> None:
    assert start_timer(connection, TIMER)
    assert not start_timer(connection, TIMER)
    assert count_starts(connection, CORP, NOW) == 1
    assert cancel_timer(connection, subject())
    assert start_timer(connection, TIMER)
    assert count_starts(connection, CORP, NOW) == 2


def test_cleaning_forgets_old_starts_and_freezes_that_ended_but_no_timer(
    connection: sqlite3.Connection,
) -> None:
    start_timer(connection, TIMER)
    freeze_timers(connection, CORP, NOW + 5)
    later = NOW + STARTS_KEPT_SECONDS + 1
    trim_timers(connection, later)
    assert count_starts(connection, CORP, NOW) == 0
    assert connection.execute("SELECT count(*) FROM freezes").fetchone() == (0,)
    assert fired_timers(connection, later, 10) == (TIMER,)
