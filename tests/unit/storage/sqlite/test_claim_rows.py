"""Claims on rows: the token decides, not the time."""

import sqlite3
from collections.abc import Callable

import pytest

from proxy.provisioning.model import EntryState
from proxy.provisioning.outbox import Claim
from proxy.reasons import Reason
from proxy.storage.sqlite.claim_rows import (
    acknowledge,
    delete_entry,
    extend_claim,
    is_held,
    lay_aside,
    open_again,
    put_back,
    take_claim,
)
from proxy.storage.sqlite.entry_rows import entry_by_id, note_statement
from tests.contract.records import NOW, vouched


@pytest.fixture
def claim(connection: sqlite3.Connection) -> Claim:
    note_statement(connection, vouched(groups={"a"}), NOW)
    taken = take_claim(connection, holder="a", now=NOW, until=NOW + 20, entry_id=None)
    assert taken is not None
    return taken


def test_tokens_grow_with_each_claim(connection: sqlite3.Connection, claim: Claim) -> None:
    later = take_claim(connection, holder="a", now=NOW + 20, until=NOW + 40, entry_id=claim.entry.id)
    assert later is not None
    assert later.token == claim.token + 1
    assert not is_held(connection, claim)
    assert is_held(connection, later)


def test_an_expired_claim_that_nobody_took_may_still_be_renewed(
    connection: sqlite3.Connection, claim: Claim
) -> None:
    assert extend_claim(connection, claim, until=NOW + 60) is not None
    assert take_claim(connection, holder="b", now=NOW + 59, until=NOW + 79, entry_id=None) is None


def acknowledged(connection: sqlite3.Connection, claim: Claim) -> None:
    acknowledge(connection, claim, NOW)


def retried(connection: sqlite3.Connection, claim: Claim) -> None:
    put_back(connection, claim, at=NOW, reason=Reason.APP_TROUBLE, detail="")


def held(connection: sqlite3.Connection, claim: Claim) -> None:
    lay_aside(connection, claim, EntryState.HELD, reason=Reason.GUARD_TRIPPED, detail="")


@pytest.mark.parametrize("end", [acknowledged, retried, held])
def test_every_way_to_end_a_claim_gives_it_back(
    connection: sqlite3.Connection, claim: Claim, end: Callable[[sqlite3.Connection, Claim], None]
) -> None:
    end(connection, claim)
    assert not is_held(connection, claim)
    row = connection.execute("SELECT holder, claimed_until FROM entries").fetchone()
    assert row == (None, 0)


def test_a_drop_that_spares_the_entry_gives_the_claim_back(
    connection: sqlite3.Connection, claim: Claim
) -> None:
    note_statement(connection, vouched(groups={"b"}, at=NOW + 1), NOW + 1)
    delete_entry(connection, claim)
    assert entry_by_id(connection, claim.entry.id).version == 2
    assert not is_held(connection, claim)


def test_since_of_a_done_entry_is_when_it_was_done(connection: sqlite3.Connection, claim: Claim) -> None:
    entry = acknowledge(connection, claim, NOW + 7)
    assert entry is not None
    assert (entry.state, entry.since) == (EntryState.DONE, NOW + 7)


def test_reopening_a_done_entry_lets_a_sweep_look_at_it_again(
    connection: sqlite3.Connection, claim: Claim
) -> None:
    acknowledge(connection, claim, NOW)
    assert open_again(connection, claim.entry.id, EntryState.DONE, NOW + 1) == 1
    assert take_claim(connection, holder="a", now=NOW + 1, until=NOW + 21, entry_id=None) is not None
