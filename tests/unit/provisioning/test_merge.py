"""Statements merge by one written rule: its table, row by row, and what counts as saying the same."""

from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED, Groups
from proxy.provisioning.merge import merge_entries, merge_statement, says_the_same
from proxy.provisioning.model import Removed, Statement, Vouched
from proxy.provisioning.outbox import SOURCE_SCIM
from tests.fakes.provisioning import GOOGLE, NOW, identity, known, removed, vouched


def merged(*statements: Statement) -> tuple[Statement, ...]:
    held: tuple[Statement, ...] = ()
    for seq, one in enumerate(statements, start=1):
        held = merge_statement(held, replace(one, seq=one.seq or seq)) or held
    return held


def test_the_first_statement_is_taken_as_it_is() -> None:
    (held,) = merged(vouched(groups=known("a")))
    assert (held.known_groups, held.not_stated_since) == (known("a"), None)


@pytest.mark.parametrize("new", [vouched(at=NOW - 1, seq=9), removed(at=NOW - 1, seq=9), vouched(seq=1)])
def test_an_older_statement_or_the_same_again_changes_nothing(new: Statement) -> None:
    assert merge_statement(merged(vouched(groups=known("a"))), new) is None


def test_of_the_same_time_the_stores_sequence_decides() -> None:
    (held,) = merged(vouched(groups=known("a")), removed())
    assert isinstance(held.says, Removed)


def test_newly_stated_groups_replace_the_known_ones() -> None:
    (held,) = merged(vouched(groups=known("a")), vouched(groups=known(), at=NOW + 1))
    assert held.known_groups == known()


def test_silence_keeps_the_last_known_groups_and_remembers_since_when() -> None:
    (held,) = merged(vouched(groups=known("a")), vouched(at=NOW + 1), vouched(at=NOW + 2))
    assert (held.known_groups, held.not_stated_since) == (known("a"), NOW + 1)
    assert isinstance(held.says, Vouched)
    assert held.says.identity.groups is NOT_STATED


def test_stated_groups_are_written_down_whatever_the_statement_carried() -> None:
    carried = replace(vouched(groups=known("a")), known_groups=NOT_STATED, not_stated_since=NOW - 1)
    (held,) = merged(carried)
    assert (held.known_groups, held.not_stated_since) == (known("a"), None)


def test_silence_from_the_start_is_silence() -> None:
    (held,) = merged(vouched())
    assert (held.known_groups, held.not_stated_since) == (NOT_STATED, NOW)


def test_groups_stated_again_end_the_silence() -> None:
    (held,) = merged(vouched(), vouched(groups=known("a"), at=NOW + 1))
    assert held.not_stated_since is None


def test_a_removal_keeps_the_groups_for_the_day_the_person_comes_back() -> None:
    (held,) = merged(vouched(groups=known("a")), removed(at=NOW + 1))
    assert (held.known_groups, held.not_stated_since) == (known("a"), None)
    (held,) = merged(vouched(groups=known("a")), removed(at=NOW + 1), vouched(at=NOW + 2))
    assert held.known_groups == known("a")


def test_sources_stand_side_by_side_and_their_clocks_are_not_compared() -> None:
    held = merged(
        vouched(groups=known("a"), at=NOW + 100), vouched(groups=known("b"), idp=GOOGLE, at=NOW - 100)
    )
    assert [one.source for one in held] == ["google", "okta"]
    assert [one.known_groups for one in held] == [known("b"), known("a")]


def test_two_subjects_of_one_idp_stand_side_by_side() -> None:
    held = merged(vouched("ada"), removed("bob"))
    assert len(held) == 2


def test_scim_is_a_source_of_its_own() -> None:
    assert len(merged(vouched(), removed(source=SOURCE_SCIM))) == 2


# --- merging entries ----------------------------------------------------------------------------------------------


def test_of_two_entries_the_latest_of_each_source_stands() -> None:
    one = merged(vouched(groups=known("old")), vouched(groups=known("g"), idp=GOOGLE))
    other = merged(vouched(groups=known("new"), at=NOW + 1))
    both = merge_entries(one, other)
    assert [item.known_groups for item in both] == [known("g"), known("new")]
    assert both == merge_entries(other, one)


@pytest.mark.parametrize(
    ("older", "newer", "expected"),
    [
        (known("a"), NOT_STATED, known("a")),
        (known("a"), known("b"), known("b")),
        (NOT_STATED, known("b"), known("b")),
        (NOT_STATED, NOT_STATED, NOT_STATED),
    ],
)
def test_a_newer_silence_takes_over_what_the_older_entry_knew(
    older: Groups, newer: Groups, expected: Groups
) -> None:
    (held,) = merge_entries(merged(vouched(groups=older)), merged(vouched(groups=newer, at=NOW + 1)))
    assert held.known_groups == expected


def test_merging_with_nothing_changes_nothing() -> None:
    one = merged(vouched(groups=known("a")))
    assert merge_entries(one, ()) == merge_entries((), one) == one


# --- saying the same ----------------------------------------------------------------------------------------------

PLAIN = merged(vouched(groups=known("a")))


@pytest.mark.parametrize(
    "later", [vouched(groups=known("a"), at=NOW + 9), vouched(at=NOW + 9)], ids=["again", "silence"]
)
def test_times_and_silence_ask_nothing_new(later: Statement) -> None:
    assert says_the_same(PLAIN, merge_statement(PLAIN, later) or ())


@pytest.mark.parametrize(
    "later",
    [
        vouched(groups=known("b"), at=NOW + 9),
        vouched(groups=known(), at=NOW + 9),
        vouched(groups=known("a"), at=NOW + 9, email="other@example.com"),
        removed(at=NOW + 9),
        vouched(groups=known("a"), idp=GOOGLE),
    ],
    ids=["other groups", "no groups", "other address", "removed", "another source"],
)
def test_anything_else_asks_something_new(later: Statement) -> None:
    assert not says_the_same(PLAIN, merge_statement(PLAIN, later) or ())


def test_groups_known_for_the_first_time_ask_something_new() -> None:
    silent = merged(vouched())
    assert not says_the_same(silent, merge_statement(silent, vouched(groups=known(), at=NOW + 1)) or ())


def test_the_order_of_statements_says_nothing() -> None:
    one, other = vouched(), replace(vouched(idp=GOOGLE), says=Vouched(identity=identity(idp=GOOGLE)))
    assert says_the_same((one, other), (other, one))
