"""Writes that must happen together: a statement and its session, both or neither."""

import asyncio
from dataclasses import replace

from proxy.identity import NOT_STATED
from proxy.provisioning.model import EntryState
from proxy.reasons import Reason
from proxy.session.model import Pending
from tests.contract.engines import Store
from tests.contract.records import NOW, key, next_version, session, subject, vouched


async def test_a_sign_in_writes_statement_and_session_and_ends_the_old_one(
    store: Store, other: Store
) -> None:
    await store.sessions.create(session("old"))
    entry = await store.joint.note_and_create(vouched(), session("new"), replaces=key("old"), now=NOW)
    assert await other.outbox.entry_of(subject()) == entry
    assert await other.sessions.of_subject(subject()) == (session("new"),)


async def test_a_renewal_writes_statement_and_session_and_is_announced(store: Store, other: Store) -> None:
    held = session()
    await store.joint.note_and_create(vouched(groups={"a"}), held, replaces=None, now=NOW)
    before = await other.sessions.latest_change()
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    after = next_version(held)
    entry = await store.joint.note_and_save(
        vouched(groups={"b"}, at=NOW + 1), after, lease=lease, now=NOW + 1
    )
    assert entry is not None
    assert entry.version == 2
    assert await other.sessions.load(held.key) == after
    assert [change.key for change in (await other.sessions.changes(before))[1]] == [held.key]


async def test_without_the_lease_neither_is_written(store: Store) -> None:
    held = session()
    first = await store.joint.note_and_create(vouched(groups={"a"}), held, replaces=None, now=NOW)
    lost = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    await store.sessions.acquire(held.key, holder="b", now=NOW + 31, seconds=30)
    assert lost is not None
    news = vouched(groups={"b"}, at=NOW + 1)
    assert await store.joint.note_and_save(news, next_version(held), lease=lost, now=NOW) is None
    assert await store.outbox.entry_of(subject()) == first
    assert await store.sessions.load(held.key) == held


async def test_an_ended_session_takes_no_statement_with_it(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    await store.sessions.end([held.key], Reason.SIGNED_OUT, NOW)
    assert await store.joint.note_and_save(vouched(), next_version(held), lease=lease, now=NOW) is None
    assert await store.outbox.entry_of(subject()) is None


async def test_a_session_changed_meanwhile_is_saved_after_loading_again(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    await store.sessions.set_account(held.subject, Pending())
    assert await store.joint.note_and_save(vouched(), next_version(held), lease=lease, now=NOW) is None
    current = await store.sessions.load(held.key)
    assert current is not None
    entry = await store.joint.note_and_save(vouched(), next_version(current), lease=lease, now=NOW)
    assert entry is not None


async def test_both_can_be_repeated_when_their_answer_was_lost(store: Store) -> None:
    held = session()
    for _ in range(2):
        await store.joint.note_and_create(vouched(groups={"a"}), held, replaces=None, now=NOW)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    news = vouched(groups=NOT_STATED, at=NOW + 1)
    entries = [
        await store.joint.note_and_save(news, next_version(held), lease=lease, now=NOW) for _ in range(2)
    ]
    assert [entry.version if entry else None for entry in entries] == [1, 1]


async def test_twenty_sign_ins_at_once_are_one_entry_and_twenty_sessions(store: Store, other: Store) -> None:
    sessions = [session(f"tab-{number}") for number in range(20)]
    views = (store, other) * 10
    entries = await asyncio.gather(
        *(
            view.joint.note_and_create(vouched(groups={"a"}), one, replaces=None, now=NOW)
            for view, one in zip(views, sessions, strict=True)
        )
    )
    assert {(entry.id, entry.version, entry.state) for entry in entries} == {(1, 1, EntryState.OPEN)}
    assert len(await store.sessions.of_subject(subject())) == 20


async def test_renewals_of_one_session_race_and_only_the_winners_statement_counts(store: Store) -> None:
    held = session()
    await store.joint.note_and_create(vouched(groups={"a"}), held, replaces=None, now=NOW)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    results = await asyncio.gather(
        *(
            store.joint.note_and_save(
                vouched(groups={f"g{number}"}, at=NOW + number + 1),
                replace(next_version(held), due_at=NOW + number),
                lease=lease,
                now=NOW,
            )
            for number in range(20)
        )
    )
    winners = [entry for entry in results if entry is not None]
    assert len(winners) == 1
    assert await store.outbox.entry_of(subject()) == winners[0]
