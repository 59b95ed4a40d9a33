"""The feed of changes: every process hears of what its cache must drop, and notices when it missed something."""

from proxy.reasons import Reason
from proxy.session.model import Pending
from proxy.session.store import Change
from tests.contract.engines import Store
from tests.contract.records import NOW, key, next_version, session, subject

DROP_EVERYTHING = Change(key=type(key(""))(""), has_ended=False)


async def test_nothing_new_is_nothing_to_hear(store: Store) -> None:
    newest = await store.sessions.latest_change()
    assert await store.sessions.changes(newest) == (newest, ())


async def test_other_processes_hear_in_order_of_saves_account_states_and_ends(
    store: Store, other: Store
) -> None:
    held = session()
    before = await other.sessions.latest_change()
    await store.sessions.create(held)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    await store.sessions.save(next_version(held), lease=lease)
    await store.sessions.set_account(subject(), Pending())
    await store.sessions.end_subject(subject(), Reason.IDP_DENIED, NOW)
    newest, heard = await other.sessions.changes(before)
    changed, ended = Change(key=held.key, has_ended=False), Change(key=held.key, has_ended=True)
    assert heard == (changed, changed, ended)
    assert newest == await store.sessions.latest_change()
    assert await other.sessions.changes(newest) == (newest, ())


async def test_a_replaced_session_is_heard_of_as_ended(store: Store) -> None:
    await store.sessions.create(session("old"))
    before = await store.sessions.latest_change()
    await store.sessions.create(session("new"), replaces=key("old"))
    assert (await store.sessions.changes(before))[1] == (Change(key=key("old"), has_ended=True),)


async def test_what_changes_no_header_is_not_announced(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    before = await store.sessions.latest_change()
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    await store.sessions.touch({held.key: NOW + 1})
    await store.sessions.mark_spent(next_version(held), lease=lease)
    await store.sessions.set_account(held.subject, held.account)
    await store.sessions.end([key("unknown")], Reason.SIGNED_OUT, NOW)
    assert await store.sessions.latest_change() == before


async def test_a_refused_save_is_not_announced(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await store.sessions.acquire(held.key, holder="a", now=NOW, seconds=30)
    assert lease is not None
    await store.sessions.release(lease)
    before = await store.sessions.latest_change()
    assert not await store.sessions.save(next_version(held), lease=lease)
    assert await store.sessions.latest_change() == before


async def test_changes_are_kept_for_ten_minutes(store: Store) -> None:
    await store.sessions.create(session())
    before = await store.sessions.latest_change()
    await store.sessions.end([key("one")], Reason.SIGNED_OUT, NOW)
    await store.clean(NOW)
    await store.clean(NOW + 599)
    assert (await store.sessions.changes(before))[1] == (Change(key=key("one"), has_ended=True),)


async def test_who_missed_trimmed_changes_is_told_to_drop_everything(store: Store, other: Store) -> None:
    before = await other.sessions.latest_change()
    for name in ("one", "two"):
        await store.sessions.create(session(name))
        await store.sessions.end([key(name)], Reason.SIGNED_OUT, NOW)
    await store.clean(NOW)
    await store.clean(NOW + 601)
    newest, heard = await other.sessions.changes(before)
    assert heard == (DROP_EVERYTHING,)
    assert await other.sessions.changes(newest) == (newest, ())
    await store.sessions.create(session("three"))
    await store.sessions.end([key("three")], Reason.SIGNED_OUT, NOW)
    assert (await other.sessions.changes(newest))[1] == (Change(key=key("three"), has_ended=True),)
    assert (await other.sessions.changes(before))[1] == (DROP_EVERYTHING,)


async def test_a_number_from_another_life_of_the_store_drops_everything(store: Store) -> None:
    newest, heard = await store.sessions.changes(1_000_000)
    assert heard == (DROP_EVERYTHING,)
    assert newest == await store.sessions.latest_change()
