"""Seats as rows."""

import sqlite3

from proxy.storage.sqlite import seat_rows
from tests.contract.records import NOW


def test_reservations_that_ran_out_are_swept_away_by_the_next_one(connection: sqlite3.Connection) -> None:
    assert seat_rows.reserve(connection, "ada", 1, now=NOW, until=NOW + 10)
    assert seat_rows.reserve(connection, "bob", 1, now=NOW + 10, until=NOW + 20)
    assert connection.execute("SELECT who FROM seats").fetchall() == [("person:bob",)]


def test_a_person_and_an_account_of_one_name_are_two(connection: sqlite3.Connection) -> None:
    seat_rows.settle(connection, "somebody", "7", now=NOW)
    assert seat_rows.reserve(connection, "7", 2, now=NOW, until=NOW + 10)
    seat_rows.vacate(connection, "7")
    assert seat_rows.count(connection, NOW) == 1


def test_a_recount_is_remembered_as_the_latest(connection: sqlite3.Connection) -> None:
    assert seat_rows.counted_at(connection) is None
    for at in (NOW, NOW + 5):
        seat_rows.recount(connection, ["1"], looked_at=at, now=at)
    assert seat_rows.counted_at(connection) == NOW + 5
    assert seat_rows.count(connection, NOW) == 1
