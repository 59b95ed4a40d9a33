"""What becomes of an entry, row by row of the tables."""

from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED
from proxy.provisioning.model import AccountId, EntryState
from proxy.reasons import Reason
from proxy.storage.redis.entry_steps import (
    Kept,
    absorbed,
    acknowledged,
    asking_again,
    begun,
    creating,
    dismissed,
    laid_aside,
    opened_again,
    owned,
    put_back,
    restated,
    without,
)
from tests.contract.records import NOW, PARTNER, removed, subject, vouched

FIRST = begun(1, None, subject(), (vouched(groups={"a"}),), NOW)
LATER = NOW + 60
ACCOUNT = AccountId("7")
STATES = list(EntryState)


def kept(state: EntryState = EntryState.OPEN, version: int = 3, *, is_bulk: bool = False) -> Kept:
    """An entry with something in every field."""
    entry = replace(
        FIRST.entry,
        state=state,
        version=version,
        attempts=2,
        next_attempt_at=NOW + 30,
        reason=Reason.APP_TROUBLE,
        detail="503",
        creating="ada",
        since=NOW - 10,
    )
    return replace(FIRST, entry=entry, is_bulk=is_bulk)


def test_a_first_entry_is_open_and_may_be_tried_at_once() -> None:
    entry = FIRST.entry
    assert (entry.state, entry.version, entry.attempts, entry.since, entry.next_attempt_at) == (
        EntryState.OPEN,
        1,
        0,
        NOW,
        NOW,
    )
    assert (FIRST.asking, FIRST.is_bulk) == (subject(), False)


def test_a_bound_persons_first_entry_is_the_accounts_and_nobody_asks() -> None:
    one = begun(1, ACCOUNT, subject(), (vouched(),), NOW)
    assert (one.entry.account_id, one.asking) == (ACCOUNT, None)


@pytest.mark.parametrize("state", STATES)
def test_the_same_said_again_changes_the_statements_alone(state: EntryState) -> None:
    before, again = kept(state, is_bulk=True), (vouched(groups={"a"}, at=LATER),)
    assert restated(before, again, LATER) == replace(before, entry=replace(before.entry, statements=again))


@pytest.mark.parametrize("state", [EntryState.DONE, EntryState.PARKED, EntryState.HELD])
def test_news_open_an_entry_since_now(state: EntryState) -> None:
    after = restated(kept(state, is_bulk=True), (removed(at=LATER),), LATER)
    entry = after.entry
    assert (entry.state, entry.version, entry.since, entry.next_attempt_at) == (
        EntryState.OPEN,
        4,
        LATER,
        LATER,
    )
    assert (entry.attempts, entry.reason, entry.detail) == (0, None, "")
    assert not after.is_bulk, "somebody stated it"
    assert entry.creating == "ada", "what we set out to create is still to be looked for"


def test_news_of_an_open_entry_leave_its_place_and_are_tried_at_once() -> None:
    entry = restated(kept(), (removed(at=LATER),), LATER).entry
    assert (entry.state, entry.version, entry.since, entry.next_attempt_at) == (
        EntryState.OPEN,
        4,
        NOW - 10,
        LATER,
    )


def test_what_was_carried_out_is_done() -> None:
    entry = acknowledged(kept(), 3, LATER).entry
    assert (entry.state, entry.since, entry.attempts, entry.creating) == (EntryState.DONE, LATER, 0, None)
    assert (entry.reason, entry.detail, entry.version) == (None, "", 3)


def test_what_is_no_longer_the_latest_stays_open_where_it_stood_and_is_tried_at_once() -> None:
    entry = acknowledged(kept(), 2, LATER).entry
    assert (entry.state, entry.since, entry.next_attempt_at, entry.attempts) == (
        EntryState.OPEN,
        NOW - 10,
        LATER,
        0,
    )


def test_a_retry_counts_and_waits() -> None:
    entry = put_back(kept(), 3, at=LATER, reason=Reason.APP_REFUSED, detail="no").entry
    assert (entry.attempts, entry.next_attempt_at, entry.reason, entry.detail) == (
        3,
        LATER,
        Reason.APP_REFUSED,
        "no",
    )
    assert entry.state is EntryState.OPEN


def test_a_retry_does_not_delay_news() -> None:
    entry = put_back(kept(), 2, at=LATER, reason=Reason.APP_REFUSED, detail="no").entry
    assert (entry.attempts, entry.next_attempt_at) == (3, NOW + 30)


@pytest.mark.parametrize("state", [EntryState.PARKED, EntryState.HELD])
def test_what_is_laid_aside_says_why(state: EntryState) -> None:
    entry = laid_aside(kept(), 3, state, reason=Reason.GUARD_TRIPPED, detail="too many").entry
    assert (entry.state, entry.reason, entry.detail) == (state, Reason.GUARD_TRIPPED, "too many")


def test_news_are_never_laid_aside() -> None:
    after = laid_aside(kept(), 2, EntryState.HELD, reason=Reason.GUARD_TRIPPED, detail="too many")
    assert after.entry.state is EntryState.OPEN


@pytest.mark.parametrize("is_bulk", [True, False])
def test_what_is_opened_again_begins_anew(is_bulk: bool) -> None:
    after = opened_again(kept(EntryState.PARKED, is_bulk=not is_bulk), LATER, is_bulk=is_bulk)
    entry = after.entry
    assert (entry.state, entry.since, entry.next_attempt_at, entry.attempts) == (
        EntryState.OPEN,
        LATER,
        LATER,
        0,
    )
    assert (entry.reason, entry.detail, entry.version, after.is_bulk) == (None, "", 3, is_bulk)


def test_what_is_dismissed_is_dropped_with_what_held_it() -> None:
    before = kept(EntryState.HELD)
    entry = dismissed(before, LATER).entry
    assert (entry.state, entry.since, entry.attempts) == (EntryState.DROPPED, LATER, 0)
    assert (entry.reason, entry.detail, entry.version) == (Reason.DROPPED, before.entry.detail, 3)


def test_what_we_set_out_to_create_is_written_down_and_changes_nothing_else() -> None:
    assert creating(FIRST, "ada.l") == replace(FIRST, entry=replace(FIRST.entry, creating="ada.l"))


def test_another_entrys_statements_are_news_and_waited_as_long() -> None:
    other = begun(2, ACCOUNT, subject(idp=PARTNER), (vouched(idp=PARTNER),), NOW - 100).entry
    entry = absorbed(kept(), other).entry
    assert {one.source for one in entry.statements} == {"corp", "partner"}
    assert (entry.version, entry.since, entry.id) == (4, NOW - 100, 1)
    younger = replace(other, since=LATER)
    assert absorbed(kept(), younger).entry.since == NOW - 10


def test_a_newer_statement_of_the_same_source_wins_whoever_absorbs() -> None:
    older, newer = vouched(groups={"a"}), vouched(groups={"b"}, at=LATER)
    for mine, theirs in ((older, newer), (newer, older)):
        one, other = (begun(n, None, subject(), (said,), NOW) for n, said in ((1, mine), (2, theirs)))
        (said,) = absorbed(one, other.entry).entry.statements
        assert said.at == LATER


def test_an_entry_becomes_the_accounts_and_forgets_who_asked() -> None:
    after = owned(kept(), ACCOUNT)
    assert (after.entry.account_id, after.entry.creating, after.asking) == (ACCOUNT, None, None)
    assert after.entry.version == 3


def test_an_entry_whose_account_is_gone_asks_again_as_it_stands() -> None:
    before = owned(FIRST, ACCOUNT)
    assert asking_again(before, subject()) == FIRST


def test_somebody_who_leaves_an_account_takes_only_their_statements_along() -> None:
    both = (vouched(groups={"a"}), vouched(groups=NOT_STATED, idp=PARTNER))
    entry = without(begun(1, ACCOUNT, subject(), both, NOW), subject()).entry
    assert [one.source for one in entry.statements] == [PARTNER]
    assert entry.version == 2
