"""The outbox: what should be, durably; the latest statement of each source, opened by whatever says something new."""

import asyncio
from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED
from proxy.provisioning.model import AccountId, Entry, EntryState, Removed, Statement, Vouched
from proxy.provisioning.outbox import Claim
from proxy.reasons import Reason
from tests.contract.engines import Store
from tests.contract.records import NOW, PARTNER, binding, removed, subject, vouched


async def claimed(store: Store, entry_id: int | None = None, now: float = NOW) -> Claim:
    claim = await store.outbox.claim(holder="courier", now=now, seconds=20, entry_id=entry_id)
    assert claim is not None
    return claim


async def done(store: Store, statement: Statement) -> Entry:
    """An entry that the app agreed with."""
    entry = await store.outbox.note(statement, NOW)
    acknowledged = await store.outbox.ack(await claimed(store, entry.id), now=NOW + 1)
    assert acknowledged is not None
    assert acknowledged.state is EntryState.DONE
    return acknowledged


async def set_aside(store: Store, statement: Statement, state: EntryState) -> Entry:
    entry = await store.outbox.note(statement, NOW)
    claim = await claimed(store, entry.id)
    put = EntryState.HELD if state is EntryState.DROPPED else state
    await store.outbox.set_aside(claim, put, reason=Reason.GUARD_TRIPPED, detail="too many")
    if state is EntryState.DROPPED:
        (held,) = await store.outbox.entries(EntryState.HELD, 10)
        assert await store.outbox.dismiss(held, NOW + 2)
    (aside,) = await store.outbox.entries(state, 10)
    return aside


def groups_of(entry: Entry) -> list[object]:
    return [one.known_groups for one in entry.statements]


async def test_a_first_statement_makes_an_open_entry_that_others_see(store: Store, other: Store) -> None:
    entry = await store.outbox.note(vouched(groups={"engineers"}), NOW)
    assert (entry.state, entry.version, entry.account_id, entry.since) == (EntryState.OPEN, 1, None, NOW)
    (held,) = entry.statements
    assert held.says == vouched(groups={"engineers"}).says
    assert await other.outbox.entry_of(subject()) == entry
    assert await store.outbox.entry_of(subject("nobody")) is None


async def test_people_do_not_share_an_entry_even_with_the_same_subject_at_two_idps(store: Store) -> None:
    first = await store.outbox.note(vouched(), NOW)
    second = await store.outbox.note(vouched(idp=PARTNER), NOW)
    assert first.id != second.id


async def test_sequence_numbers_grow_and_break_ties(store: Store, other: Store) -> None:
    await store.outbox.note(vouched(groups={"a"}), NOW)
    entry = await other.outbox.note(vouched(groups={"b"}), NOW)
    assert groups_of(entry) == [{"b"}]


async def test_an_older_statement_replaces_nothing(store: Store) -> None:
    first = await store.outbox.note(vouched(groups={"a"}, at=NOW), NOW)
    assert await store.outbox.note(vouched(groups={"b"}, at=NOW - 1), NOW) == first


async def test_silence_about_groups_takes_nothing_away(store: Store) -> None:
    await store.outbox.note(vouched(groups={"a"}), NOW)
    entry = await store.outbox.note(vouched(groups=NOT_STATED, at=NOW + 1), NOW + 1)
    assert groups_of(entry) == [{"a"}]
    assert entry.statements[0].not_stated_since == NOW + 1


ASIDE = [EntryState.DONE, EntryState.PARKED, EntryState.HELD, EntryState.DROPPED]


@pytest.mark.parametrize("state", ASIDE)
async def test_the_same_said_again_leaves_the_state_and_carries_the_time_on(
    store: Store, state: EntryState
) -> None:
    before = (
        await done(store, vouched(groups={"a"}))
        if state is EntryState.DONE
        else await set_aside(store, vouched(groups={"a"}), state)
    )
    after = await store.outbox.note(vouched(groups={"a"}, at=NOW + 3600), NOW + 3600)
    assert (after.state, after.version, after.since) == (state, before.version, before.since)
    assert after.statements[0].at == NOW + 3600


@pytest.mark.parametrize("news", [vouched(groups={"b"}, at=NOW + 9), removed(at=NOW + 9)])
@pytest.mark.parametrize("state", ASIDE)
async def test_something_new_opens_an_entry_again(store: Store, state: EntryState, news: Statement) -> None:
    if state is EntryState.DONE:
        before = await done(store, vouched(groups={"a"}))
    else:
        before = await set_aside(store, vouched(groups={"a"}), state)
    after = await store.outbox.note(news, NOW + 9)
    assert (after.state, after.since, after.next_attempt_at) == (EntryState.OPEN, NOW + 9, NOW + 9)
    assert after.version == before.version + 1
    assert (after.reason, after.detail) == (None, "")


async def test_an_open_entry_keeps_the_time_since_when_it_waits(store: Store) -> None:
    await store.outbox.note(vouched(groups={"a"}), NOW)
    entry = await store.outbox.note(vouched(groups={"b"}, at=NOW + 5), NOW + 5)
    assert (entry.since, entry.version) == (NOW, 2)


async def test_a_person_removed_and_vouched_for_again_keeps_the_known_groups(store: Store) -> None:
    await store.outbox.note(vouched(groups={"a"}), NOW)
    gone = await store.outbox.note(removed(at=NOW + 1), NOW + 1)
    assert isinstance(gone.statements[0].says, Removed)
    back = await store.outbox.note(vouched(at=NOW + 2), NOW + 2)
    assert isinstance(back.statements[0].says, Vouched)
    assert groups_of(back) == [{"a"}]


async def test_twenty_statements_at_once_are_one_entry_holding_the_latest(store: Store, other: Store) -> None:
    notes = [
        view.outbox.note(vouched(groups={f"g{number}"}, at=NOW + number), NOW)
        for number in range(10)
        for view in (store, other)
    ]
    entries = await asyncio.gather(*notes)
    assert len({entry.id for entry in entries}) == 1
    final = await store.outbox.entry_of(subject())
    assert final is not None
    assert groups_of(final) == [{"g9"}]


async def test_acknowledging_what_is_no_longer_the_latest_leaves_the_entry_open(store: Store) -> None:
    entry = await store.outbox.note(vouched(groups={"a"}), NOW)
    claim = await claimed(store, entry.id)
    await store.outbox.note(vouched(groups={"b"}, at=NOW + 1), NOW + 1)
    after = await store.outbox.ack(claim, now=NOW + 2)
    assert after is not None
    assert after.state is EntryState.OPEN
    again = await claimed(store, now=NOW + 2)
    assert groups_of(again.entry) == [{"b"}]
    acknowledged = await store.outbox.ack(again, now=NOW + 3)
    assert acknowledged is not None
    assert acknowledged.state is EntryState.DONE


async def test_a_repetition_during_the_visit_does_not_keep_the_entry_open(store: Store) -> None:
    entry = await store.outbox.note(vouched(groups={"a"}), NOW)
    claim = await claimed(store, entry.id)
    await store.outbox.note(vouched(groups={"a"}, at=NOW + 1), NOW + 1)
    after = await store.outbox.ack(claim, now=NOW + 2)
    assert after is not None
    assert after.state is EntryState.DONE
    assert after.statements[0].at == NOW + 1


async def test_a_retry_waits_until_its_time_with_its_reason_and_counts(store: Store) -> None:
    await store.outbox.note(vouched(), NOW)
    await store.outbox.retry(await claimed(store), at=NOW + 30, reason=Reason.APP_TROUBLE, detail="503")
    assert await store.outbox.claim(holder="b", now=NOW + 29, seconds=20) is None
    claim = await claimed(store, now=NOW + 30)
    entry = claim.entry
    assert (entry.attempts, entry.reason, entry.detail) == (1, Reason.APP_TROUBLE, "503")
    acknowledged = await store.outbox.ack(claim, now=NOW + 31)
    assert acknowledged is not None
    assert (acknowledged.attempts, acknowledged.reason, acknowledged.detail) == (0, None, "")


async def test_a_retry_does_not_delay_what_came_meanwhile(store: Store) -> None:
    await store.outbox.note(vouched(groups={"a"}), NOW)
    claim = await claimed(store)
    await store.outbox.note(vouched(groups={"b"}, at=NOW + 1), NOW + 1)
    await store.outbox.retry(claim, at=NOW + 3600, reason=Reason.APP_TROUBLE, detail="503")
    assert (await claimed(store, now=NOW + 2)).entry.version == 2


@pytest.mark.parametrize("state", [EntryState.PARKED, EntryState.HELD])
async def test_what_was_set_aside_waits_for_somebody_and_says_why(store: Store, state: EntryState) -> None:
    aside = await set_aside(store, vouched(), state)
    assert (aside.state, aside.reason, aside.detail) == (state, Reason.GUARD_TRIPPED, "too many")
    assert await store.outbox.claim(holder="b", now=NOW + 9999, seconds=20) is None
    assert await store.outbox.claim(holder="b", now=NOW, seconds=20, entry_id=aside.id) is None


async def test_setting_aside_what_is_no_longer_the_latest_leaves_it_open(store: Store) -> None:
    await store.outbox.note(vouched(groups={"a"}), NOW)
    claim = await claimed(store)
    await store.outbox.note(vouched(groups={"b"}, at=NOW + 1), NOW + 1)
    await store.outbox.set_aside(claim, EntryState.HELD, reason=Reason.GUARD_TRIPPED, detail="")
    assert (await claimed(store, now=NOW + 2)).entry.version == 2


@pytest.mark.parametrize("state", [EntryState.OPEN, EntryState.DONE])
async def test_an_entry_is_set_aside_as_parked_or_held_only(store: Store, state: EntryState) -> None:
    await store.outbox.note(vouched(), NOW)
    with pytest.raises(ValueError, match="parked or held"):
        await store.outbox.set_aside(await claimed(store), state, reason=Reason.APP_REFUSED, detail="")


async def test_reopening_takes_one_or_all_of_a_state(store: Store) -> None:
    aside = [
        await store.outbox.note(vouched(name), NOW + number)
        for number, name in enumerate(("ada", "bob", "eve"))
    ]
    for entry in aside:
        claim = await claimed(store, entry.id, NOW + 5)
        await store.outbox.set_aside(claim, EntryState.PARKED, reason=Reason.APP_REFUSED, detail="")
    assert await store.outbox.reopen(aside[0].id, EntryState.HELD, NOW + 6) == 0
    assert await store.outbox.reopen(aside[0].id, EntryState.PARKED, NOW + 6) == 1
    reopened = (await claimed(store, now=NOW + 6)).entry
    assert (reopened.id, reopened.since, reopened.reason) == (aside[0].id, NOW + 6, None)
    assert await store.outbox.reopen(None, EntryState.PARKED, NOW + 7) == 2
    assert await store.outbox.reopen(None, EntryState.OPEN, NOW + 8) == 0


async def test_what_is_opened_all_at_once_waits_behind_what_somebody_states(store: Store) -> None:
    for number, name in enumerate(("ada", "bob", "eve")):
        await done(store, vouched(name, at=NOW + number))
    assert await store.outbox.reopen(None, EntryState.DONE, NOW + 9) == 3
    await store.outbox.note(vouched("kim", at=NOW + 10), NOW + 10)
    said = await store.outbox.note(vouched("eve", groups={"b"}, at=NOW + 11), NOW + 11)
    first, second, third = [await claimed(store, now=NOW + 12) for _ in range(3)]
    assert first.entry.id == said.id, "open since it was opened, and no longer part of the bulk"
    assert [one.entry.statements[0].subject.subject for one in (second, third)] == ["kim", "ada"]


async def test_one_opened_alone_is_no_bulk_work(store: Store) -> None:
    first, second = await done(store, vouched("ada")), await done(store, vouched("bob"))
    await store.outbox.reopen(None, EntryState.DONE, NOW + 5)
    acknowledged = await store.outbox.ack(await claimed(store, second.id, NOW + 6), now=NOW + 6)
    assert acknowledged is not None
    assert await store.outbox.reopen(second.id, EntryState.DONE, NOW + 7) == 1
    assert (await claimed(store, now=NOW + 8)).entry.id == second.id
    assert (await claimed(store, now=NOW + 8)).entry.id == first.id


async def test_dismissing_drops_what_was_set_aside_and_nobody_can_claim_it(store: Store) -> None:
    held = await set_aside(store, vouched(), EntryState.HELD)
    assert await store.outbox.dismiss(held, NOW + 5)
    assert await store.outbox.claim(holder="b", now=NOW + 9, seconds=20) is None
    entry = await store.outbox.entry_of(subject())
    assert entry is not None
    assert (entry.state, entry.since) == (EntryState.DROPPED, NOW + 5)
    assert (entry.reason, entry.detail) == (Reason.DROPPED, "too many"), "and it says what of"
    assert not await store.outbox.dismiss(held, NOW + 6)


async def test_what_was_dropped_is_opened_by_name_and_by_nothing_that_opens_the_done(store: Store) -> None:
    dropped = await set_aside(store, vouched(), EntryState.DROPPED)
    assert await store.outbox.reopen(None, EntryState.DONE, NOW + 6) == 0
    assert await store.outbox.reopen(dropped.id, EntryState.DONE, NOW + 6) == 0
    assert await store.outbox.reopen_named([dropped.id], NOW + 6) == 0
    assert await store.outbox.entries(EntryState.DROPPED, 10) == (dropped,)
    figures = await store.outbox.figures(NOW + 6)
    assert (figures.open, figures.parked, figures.held) == (0, 0, 0)
    assert await store.outbox.reopen(dropped.id, EntryState.DROPPED, NOW + 7) == 1
    entry = (await claimed(store, now=NOW + 8)).entry
    assert (entry.id, entry.reason, entry.detail) == (dropped.id, None, "")


async def test_dismissing_spares_what_was_said_meanwhile(store: Store) -> None:
    held = await set_aside(store, vouched(groups={"a"}), EntryState.HELD)
    await store.outbox.note(removed(at=NOW + 4), NOW + 4)
    assert not await store.outbox.dismiss(held, NOW + 5)
    assert (await claimed(store, now=NOW + 5)).entry.id == held.id


async def test_dropping_deletes_an_entry_that_is_not_bound(store: Store) -> None:
    await store.outbox.note(vouched(), NOW)
    await store.outbox.drop(await claimed(store))
    assert await store.outbox.entry_of(subject()) is None


async def test_dropping_spares_a_newer_statement_and_a_bound_account(store: Store) -> None:
    await store.outbox.note(vouched(groups={"a"}), NOW)
    claim = await claimed(store)
    await store.outbox.note(vouched(groups={"b"}, at=NOW + 1), NOW + 1)
    await store.outbox.drop(claim)
    bound = await store.outbox.bind(await claimed(store, now=NOW + 1), binding())
    assert bound is not None
    await store.outbox.drop(bound)
    entry = await store.outbox.entry_of(subject())
    assert entry is not None
    assert entry.state is EntryState.OPEN


async def test_entries_are_listed_by_state_longest_waiting_first(store: Store) -> None:
    await done(store, vouched("ada"))
    await store.outbox.note(vouched("bob"), NOW + 9)
    await store.outbox.note(vouched("eve"), NOW + 5)
    listed = await store.outbox.entries(EntryState.OPEN, 10)
    assert [entry.statements[0].subject.subject for entry in listed] == ["eve", "bob"]
    assert len(await store.outbox.entries(None, 10)) == 3
    assert len(await store.outbox.entries(None, 2)) == 2


async def test_a_list_of_open_entries_is_never_empty_while_one_is_open(store: Store, other: Store) -> None:
    """Two entries take turns, the one opened before the other is done."""
    people, turns = ("ada", "bob"), 60
    await store.outbox.note(vouched("bob", {"g"}), NOW)

    async def take_turns() -> None:
        for turn in range(turns):
            now = NOW + turn
            await store.outbox.note(vouched(people[turn % 2], {f"g{turn}"}, at=now), now)
            done = await store.outbox.entry_of(subject(people[(turn + 1) % 2]))
            assert done is not None
            await store.outbox.ack(await claimed(store, done.id, now), now=now)

    changing = asyncio.create_task(take_turns())
    while not changing.done():
        assert await other.outbox.entries(EntryState.OPEN, 1) != ()
        assert len(await other.outbox.entries(None, 10)) >= len(await other.outbox.entries_after(0, 1))
    await changing


async def test_figures_count_states_and_the_oldest_wait(store: Store) -> None:
    empty = await store.outbox.figures(NOW)
    assert (empty.open, empty.parked, empty.held, empty.oldest_open_age) == (0, 0, 0, 0.0)
    await done(store, vouched("ada"))
    await set_aside(store, vouched("bob"), EntryState.HELD)
    await set_aside(store, vouched("eve"), EntryState.PARKED)
    await store.outbox.note(vouched("kim"), NOW + 10)
    await store.outbox.note(vouched("lee"), NOW + 20)
    figures = await store.outbox.figures(NOW + 70)
    assert (figures.open, figures.parked, figures.held, figures.oldest_open_age) == (2, 1, 1, 60.0)


async def test_an_account_that_is_gone_asks_again_under_its_subject(store: Store) -> None:
    await store.outbox.note(vouched(groups={"a"}), NOW)
    claim = await store.outbox.bind(await claimed(store), binding(account="7"))
    assert claim is not None
    await store.bindings.unbind(subject())
    entry = await store.outbox.entry_of(subject())
    assert entry is not None
    assert (entry.id, entry.account_id) == (claim.entry.id, None)
    again = await store.outbox.bind(claim, binding(account="8"))
    assert again is not None
    assert again.entry.account_id == AccountId("8")
    assert replace(again.entry, account_id=None) == replace(claim.entry, account_id=None)
