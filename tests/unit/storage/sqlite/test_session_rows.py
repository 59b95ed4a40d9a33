"""Sessions as rows: what stands in the clear, which column is the truth, and what a lost key leaves behind."""

import sqlite3
from dataclasses import replace

import pytest

from proxy.session.codec import KeyRing, SealingKey
from proxy.session.model import Pending
from proxy.session.store import Lease
from proxy.storage.sqlite.lease_rows import grant_lease
from proxy.storage.sqlite.session_rows import (
    count_unreadable,
    delete_sessions,
    delete_unreadable,
    insert_session,
    keys_of_idp_session,
    keys_of_subject,
    load_session,
    raise_last_seen,
    reseal_sessions,
    select_sessions,
    update_session,
    write_account,
)
from tests.contract.records import CORP, NOW, key, next_version, session, subject

STRANGERS = KeyRing(keys=(SealingKey(secret=b"s" * 32),))


def row(connection: sqlite3.Connection, columns: str) -> tuple[object, ...]:
    found: tuple[object, ...] = connection.execute(f"SELECT {columns} FROM sessions").fetchone()
    return found


def leased(connection: sqlite3.Connection) -> Lease:
    lease = grant_lease(connection, key("one"), holder="a", now=NOW, until=NOW + 30)
    assert lease is not None
    return lease


def test_no_token_and_no_attribute_stands_in_the_clear(connection: sqlite3.Connection, ring: KeyRing) -> None:
    insert_session(connection, ring, session())
    stored = repr(row(connection, "*"))
    assert "in-clear" not in stored
    assert "ada@example.com" not in stored


def test_the_idps_name_of_its_session_is_not_in_the_clear(
    connection: sqlite3.Connection, ring: KeyRing
) -> None:
    insert_session(connection, ring, replace(session(), idp_session="idp-session-in-clear"))
    assert "in-clear" not in repr(row(connection, "*"))
    assert keys_of_idp_session(connection, CORP, "idp-session-in-clear", None) == (key("one"),)


def test_a_session_of_an_older_file_is_found_by_its_sid_after_its_next_save(
    connection: sqlite3.Connection, ring: KeyRing
) -> None:
    held = replace(session(), idp_session="sid")
    insert_session(connection, ring, held)
    connection.execute("UPDATE sessions SET sid_hash = NULL")
    assert keys_of_idp_session(connection, CORP, "sid", subject()) == ()
    assert update_session(connection, ring, next_version(held), leased(connection))
    assert keys_of_idp_session(connection, CORP, "sid", subject()) == (key("one"),)


def test_a_record_that_does_not_open_stands_in_no_ones_way_when_all_are_sealed_anew(
    connection: sqlite3.Connection, ring: KeyRing
) -> None:
    for name in ("broken", "strange", "mine"):
        insert_session(connection, STRANGERS if name == "strange" else ring, session(name))
    connection.execute("UPDATE sessions SET sealed = substr(sealed, 1, 40) WHERE key = ?", (key("broken"),))
    newer = KeyRing(keys=(SealingKey(secret=b"n" * 32), *ring.keys))
    assert reseal_sessions(connection, newer, 1) == 1
    assert reseal_sessions(connection, newer, 1) == 0
    assert load_session(connection, KeyRing(keys=newer.keys[:1]), key("mine")) == session("mine")
    assert load_session(connection, STRANGERS, key("strange")) == session("strange")


def test_a_key_that_stands_in_the_ring_twice_is_never_sealed_anew(
    connection: sqlite3.Connection, ring: KeyRing
) -> None:
    insert_session(connection, ring, session())
    assert reseal_sessions(connection, KeyRing(keys=(*ring.keys, *ring.keys)), 10) == 0


def test_the_same_session_is_sealed_anew_each_time(connection: sqlite3.Connection, ring: KeyRing) -> None:
    insert_session(connection, ring, session())
    (first,) = row(connection, "sealed")
    assert update_session(connection, ring, replace(session(), version=2), leased(connection))
    assert row(connection, "sealed") != (first,)


def test_a_record_copied_to_another_key_is_no_session(connection: sqlite3.Connection, ring: KeyRing) -> None:
    insert_session(connection, ring, session("mine"))
    insert_session(connection, ring, session("theirs", "bob"))
    connection.execute(
        "UPDATE sessions SET sealed = (SELECT sealed FROM sessions WHERE key = ?) WHERE key = ?",
        (key("theirs"), key("mine")),
    )
    assert load_session(connection, ring, key("mine")) is None


def test_a_save_moves_every_column_that_queries_read(connection: sqlite3.Connection, ring: KeyRing) -> None:
    insert_session(connection, ring, session())
    after = replace(next_version(session(), NOW + 5), next_attempt_at=NOW + 6, last_seen_at=NOW + 7)
    assert update_session(connection, ring, after, leased(connection))
    columns = "version, due_at, next_attempt_at, last_seen_at, created_at"
    assert row(connection, columns) == (2, NOW + 5, NOW + 6, NOW + 7, NOW)


@pytest.mark.parametrize("changes", [{"fence": 0}, {"fence": 2}, {"holder": "b"}, {"key": key("another")}])
def test_a_lease_that_differs_in_anything_writes_nothing(
    connection: sqlite3.Connection, ring: KeyRing, changes: dict[str, object]
) -> None:
    insert_session(connection, ring, session())
    lease = replace(leased(connection), **changes)  # type: ignore[arg-type]  # rows of one table
    assert not update_session(connection, ring, next_version(session()), lease)
    assert load_session(connection, ring, key("one")) == session()


def test_the_column_is_the_truth_about_last_seen(connection: sqlite3.Connection, ring: KeyRing) -> None:
    insert_session(connection, ring, session())
    raise_last_seen(connection, {key("one"): NOW + 60})
    held = load_session(connection, ring, key("one"))
    assert held == replace(session(), last_seen_at=NOW + 60)


def test_deleting_returns_what_was_there(connection: sqlite3.Connection, ring: KeyRing) -> None:
    insert_session(connection, ring, session())
    assert delete_sessions(connection, [key("unknown"), key("one"), key("one")]) == (key("one"),)
    assert keys_of_subject(connection, subject()) == ()


def test_sessions_that_do_not_open_neither_show_nor_use_up_the_limit(
    connection: sqlite3.Connection, ring: KeyRing
) -> None:
    for number in range(5):
        insert_session(connection, STRANGERS, session(f"lost-{number}"))
    insert_session(connection, ring, session("mine"))
    assert select_sessions(connection, ring, "1 ORDER BY rowid", (), limit=1) == (session("mine"),)


def test_an_account_state_is_not_written_into_what_does_not_open(
    connection: sqlite3.Connection, ring: KeyRing
) -> None:
    insert_session(connection, STRANGERS, session())
    write_account(connection, ring, subject(), Pending())
    assert load_session(connection, STRANGERS, key("one")) == session()


def test_a_lost_key_is_noticed_and_its_sessions_forgotten_only_when_unseen_for_long(
    connection: sqlite3.Connection, ring: KeyRing
) -> None:
    insert_session(connection, STRANGERS, session("lost"))
    insert_session(connection, ring, session("mine"))
    assert count_unreadable(connection, ring) == 1
    assert count_unreadable(connection, KeyRing(keys=(*ring.keys, *STRANGERS.keys))) == 0
    delete_unreadable(connection, ring, NOW)
    assert count_unreadable(connection, ring) == 1
    delete_unreadable(connection, ring, NOW + 1)
    assert count_unreadable(connection, ring) == 0
    assert load_session(connection, ring, key("mine")) is not None
