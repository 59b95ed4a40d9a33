"""The feed's numbers, and what is said when something was trimmed."""

import sqlite3

from proxy.session.store import Change
from proxy.storage.sqlite.change_rows import (
    DROP_EVERYTHING,
    KEPT_SECONDS,
    announce,
    changes_after,
    newest_change,
    trim_changes,
)
from tests.contract.records import NOW, key


def tell(connection: sqlite3.Connection, *names: str) -> None:
    announce(connection, map(key, names), has_ended=False)


def test_numbers_start_at_nought_and_grow_by_one(connection: sqlite3.Connection) -> None:
    assert newest_change(connection) == 0
    tell(connection, "a", "b")
    assert newest_change(connection) == 2


def test_nobody_hears_of_what_was_rolled_back_and_its_number_is_given_again(
    connection: sqlite3.Connection,
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    tell(connection, "a")
    connection.rollback()
    tell(connection, "b")
    assert changes_after(connection, 0) == (1, (Change(key=key("b"), has_ended=False),))


def test_numbers_go_on_when_everything_was_trimmed(connection: sqlite3.Connection) -> None:
    tell(connection, "a")
    trim_changes(connection, NOW)
    trim_changes(connection, NOW + KEPT_SECONDS + 1)
    assert connection.execute("SELECT count(*) FROM changes").fetchone() == (0,)
    assert newest_change(connection) == 1
    assert changes_after(connection, 1) == (1, ())
    assert changes_after(connection, 0) == (1, (DROP_EVERYTHING,))


def test_what_nobody_timed_yet_is_kept_however_old(connection: sqlite3.Connection) -> None:
    tell(connection, "a")
    trim_changes(connection, NOW + 1_000_000)
    assert len(changes_after(connection, 0)[1]) == 1


def test_a_gap_in_the_middle_counts_as_missed(connection: sqlite3.Connection) -> None:
    tell(connection, "a", "b", "c")
    connection.execute("DELETE FROM changes WHERE id = 2")
    assert changes_after(connection, 0) == (3, (DROP_EVERYTHING,))
    assert changes_after(connection, 2) == (3, (Change(key=key("c"), has_ended=False),))
