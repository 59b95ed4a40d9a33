"""Bindings as rows, and what they do to the entry."""

import sqlite3

import pytest

from proxy.provisioning.outbox import Claim
from proxy.storage.sqlite.binding_rows import bind_claimed, delete_binding, select_bindings
from proxy.storage.sqlite.claim_rows import acknowledge, take_claim
from proxy.storage.sqlite.entry_rows import entry_by_id, entry_of_subject, note_statement
from tests.contract.records import NOW, PARTNER, binding, subject, vouched


def claimed(connection: sqlite3.Connection, entry_id: int) -> Claim:
    claim = take_claim(connection, holder="a", now=NOW, until=NOW + 20, entry_id=entry_id)
    assert claim is not None
    return claim


@pytest.fixture
def bound(connection: sqlite3.Connection) -> Claim:
    claim = claimed(connection, note_statement(connection, vouched(groups={"a"}), NOW).id)
    after = bind_claimed(connection, claim, binding())
    assert after is not None
    return after


def test_a_lost_claim_writes_no_binding(connection: sqlite3.Connection) -> None:
    entry = note_statement(connection, vouched(), NOW)
    lost = claimed(connection, entry.id)
    assert take_claim(connection, holder="b", now=NOW + 20, until=NOW + 40, entry_id=entry.id) is not None
    assert bind_claimed(connection, lost, binding()) is None
    assert select_bindings(connection, "1", ()) == ()


def test_absorbed_statements_count_as_newer_than_the_claim(
    connection: sqlite3.Connection, bound: Claim
) -> None:
    acknowledge(connection, bound, NOW)
    other = claimed(connection, note_statement(connection, vouched(idp=PARTNER), NOW + 5).id)
    after = bind_claimed(connection, other, binding(idp=PARTNER))
    assert after is not None
    row = entry_by_id(connection, after.entry.id)
    assert after.entry.version == other.entry.version < row.version
    assert row.since == NOW, "the account has been waiting since its first open statement"
    assert len(row.statements) == 2


def test_no_binding_without_absorbing_anything_leaves_the_version(
    bound: Claim, connection: sqlite3.Connection
) -> None:
    assert entry_by_id(connection, bound.entry.id).version == bound.entry.version == 1


def test_the_last_subject_takes_the_entry_along(connection: sqlite3.Connection, bound: Claim) -> None:
    delete_binding(connection, subject())
    entry = entry_of_subject(connection, subject())
    assert entry is not None
    assert (entry.id, entry.account_id) == (bound.entry.id, None)


def test_a_binding_keeps_role_and_block(connection: sqlite3.Connection, bound: Claim) -> None:
    again = bind_claimed(connection, bound, binding(is_blocked=True, role="admin"))
    assert again is not None
    assert select_bindings(connection, "1", ()) == (binding(is_blocked=True, role="admin"),)
