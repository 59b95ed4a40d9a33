"""Statements entering entries: the table of the module, row by row, on bare rows."""

import sqlite3

import pytest

from proxy.provisioning.model import Entry, EntryState
from proxy.storage.sqlite.entry_rows import account_of, entry_by_id, entry_of_subject, note_statement
from tests.contract.records import NOW, PARTNER, removed, subject, vouched


def state(connection: sqlite3.Connection, entry: Entry, name: str) -> None:
    connection.execute(
        "UPDATE entries SET state = ?, attempts = 3, reason = 'app_trouble', detail = 'x' WHERE id = ?",
        (name, entry.id),
    )


@pytest.mark.parametrize("before", list(EntryState))
def test_what_is_older_changes_nothing_at_all(connection: sqlite3.Connection, before: EntryState) -> None:
    entry = note_statement(connection, vouched(groups={"a"}), NOW)
    state(connection, entry, before)
    held = entry_by_id(connection, entry.id)
    assert note_statement(connection, removed(at=NOW - 1), NOW + 9) == held
    assert entry_by_id(connection, entry.id) == held


@pytest.mark.parametrize("before", list(EntryState))
def test_what_says_the_same_moves_only_the_times(connection: sqlite3.Connection, before: EntryState) -> None:
    entry = note_statement(connection, vouched(groups={"a"}), NOW)
    state(connection, entry, before)
    after = note_statement(connection, vouched(groups={"a"}, at=NOW + 9), NOW + 9)
    assert (after.state, after.version, after.attempts, after.since) == (before, 1, 3, NOW)
    assert (after.statements[0].at, after.statements[0].seq) == (NOW + 9, 2)


@pytest.mark.parametrize("before", list(EntryState))
def test_what_says_something_else_opens(connection: sqlite3.Connection, before: EntryState) -> None:
    entry = note_statement(connection, vouched(groups={"a"}), NOW)
    state(connection, entry, before)
    after = note_statement(connection, vouched(groups={"b"}, at=NOW + 9), NOW + 9)
    assert (after.state, after.version, after.attempts, after.reason, after.detail) == (
        EntryState.OPEN,
        2,
        0,
        None,
        "",
    )
    assert after.since == (NOW if before is EntryState.OPEN else NOW + 9)


def test_a_claim_on_the_entry_survives_news(connection: sqlite3.Connection) -> None:
    entry = note_statement(connection, vouched(groups={"a"}), NOW)
    connection.execute("UPDATE entries SET holder = 'courier', token = 4, claimed_until = ?", (NOW + 20,))
    note_statement(connection, vouched(groups={"b"}, at=NOW + 1), NOW + 1)
    row = connection.execute(
        "SELECT holder, token, claimed_until FROM entries WHERE id = ?", (entry.id,)
    ).fetchone()
    assert row == ("courier", 4, NOW + 20)


def test_a_bound_subjects_statement_finds_the_accounts_entry(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO bindings VALUES ('https://corp.example.com', 'ada', '7', 'ada', NULL, 0, 0)"
    )
    assert account_of(connection, subject()) == "7"
    assert account_of(connection, subject(idp=PARTNER)) is None
    entry = note_statement(connection, vouched(), NOW)
    assert entry.account_id == "7"
    assert entry_of_subject(connection, subject()) == entry


def test_sequence_numbers_are_never_given_twice(connection: sqlite3.Connection) -> None:
    numbers = [note_statement(connection, vouched(f"p{n}"), NOW).statements[0].seq for n in range(5)]
    assert numbers == [1, 2, 3, 4, 5]
