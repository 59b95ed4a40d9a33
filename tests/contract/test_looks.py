"""What a look at everybody asks of the store: people page by page, reopening as bulk work, the idle and the silent."""

from dataclasses import replace

from proxy.identity import NOT_STATED, IdpId, Subject
from proxy.provisioning.model import Entry, EntryState, Statement
from tests.contract.engines import Store
from tests.contract.records import CORP, NOW, PARTNER, binding, key, removed, session, subject, vouched


async def done(store: Store, statement: Statement) -> Entry:
    entry = await store.outbox.note(statement, NOW)
    claim = await store.outbox.claim(holder="courier", now=NOW, seconds=20, entry_id=entry.id)
    assert claim is not None
    acknowledged = await store.outbox.ack(claim, now=NOW)
    assert acknowledged is not None
    return acknowledged


async def bind(store: Store, name: str, *, at: float = NOW, is_blocked: bool = False) -> None:
    entry = await store.outbox.note(vouched(name, at=at), NOW)
    claim = await store.outbox.claim(holder="courier", now=NOW, seconds=20, entry_id=entry.id)
    assert claim is not None
    bound = await store.outbox.bind(claim, binding(name, f"account-{name}", is_blocked=is_blocked))
    assert bound is not None


async def test_everybody_comes_by_page_and_only_once(store: Store, other: Store) -> None:
    noted = [await store.outbox.note(vouched(f"person-{n}"), NOW) for n in range(5)]
    seen: list[Entry] = []
    while page := await other.outbox.entries_after(seen[-1].id if seen else 0, 2):
        seen += page
    assert seen == noted


async def test_entries_are_found_by_their_ids_and_those_that_are_gone_are_left_out(store: Store) -> None:
    ada, bob = [await store.outbox.note(vouched(name), NOW) for name in ("ada", "bob")]
    assert await store.outbox.entries_named([bob.id, ada.id, 999]) == (ada, bob)
    assert await store.outbox.entries_named([]) == ()


async def test_only_what_is_done_is_opened_for_a_look_and_waits_behind_statements(store: Store) -> None:
    ada = await done(store, vouched("ada"))
    bob = await store.outbox.note(vouched("bob"), NOW + 5)
    kim = await done(store, vouched("kim"))
    assert await store.outbox.reopen_named([ada.id, bob.id, 999], NOW) == 1
    (reopened,) = await store.outbox.entries_named([ada.id])
    assert (reopened.state, reopened.version) == (EntryState.OPEN, ada.version)
    assert (await store.outbox.entries_named([kim.id]))[0].state is EntryState.DONE
    claim = await store.outbox.claim(holder="courier", now=NOW + 10, seconds=20)
    assert claim is not None
    assert claim.entry.id == bob.id


async def idle(store: Store, before: float, after: Subject | None = None, limit: int = 10) -> list[str]:
    found = await store.bindings.idle(before=before, after=after, limit=limit)
    return [one.binding.login for one in found]


async def test_a_binding_is_as_old_as_the_statement_that_made_it(store: Store) -> None:
    await bind(store, "ada", at=NOW - 100)
    await bind(store, "bob", at=NOW)
    assert await idle(store, NOW) == ["ada"]
    (found,) = await store.bindings.idle(before=NOW, after=None, limit=10)
    assert found.last_active_at == NOW - 100


async def test_a_session_in_use_is_activity_that_outlives_it_and_never_goes_back(
    store: Store, other: Store
) -> None:
    await bind(store, "ada", at=NOW - 100)
    await store.sessions.create(replace(session(), last_seen_at=NOW - 100))
    await store.sessions.touch({key("one"): NOW + 50})
    await other.sessions.touch({key("one"): NOW + 20})
    await store.sessions.end_subject(subject(), removed().says.reason, NOW)  # type: ignore[union-attr]  # removed, of course
    assert await idle(other, NOW + 50) == []
    assert await idle(other, NOW + 51) == ["ada"]


async def test_somebody_seen_in_a_session_is_not_idle_even_before_that_is_flushed(store: Store) -> None:
    await bind(store, "ada", at=NOW - 100)
    await store.sessions.create(session())
    assert await idle(store, NOW) == []


async def test_the_blocked_are_not_asked_about(store: Store) -> None:
    await bind(store, "ada", at=NOW - 100, is_blocked=True)
    assert await idle(store, NOW) == []


async def test_the_idle_come_by_page(store: Store) -> None:
    for name in ("ada", "bob", "kim"):
        await bind(store, name, at=NOW - 100)
    assert await idle(store, NOW, limit=2) == ["ada", "bob"]
    assert await idle(store, NOW, after=subject("bob")) == ["kim"]


async def test_silence_about_groups_is_counted_by_idp_from_when_it_began(store: Store) -> None:
    await store.outbox.note(vouched("ada", {"a"}, at=NOW - 100), NOW)
    await store.outbox.note(vouched("ada", NOT_STATED, at=NOW - 50), NOW)
    await store.outbox.note(vouched("ada", NOT_STATED, at=NOW), NOW)
    await store.outbox.note(vouched("bob", NOT_STATED, at=NOW - 70), NOW)
    await store.outbox.note(vouched("kim", NOT_STATED, at=NOW - 70, idp=PARTNER), NOW)
    await store.outbox.note(vouched("eve", {"a"}, at=NOW - 70), NOW)
    assert await store.outbox.not_stated_before(NOW - 60) == {CORP: 1, PARTNER: 1}
    assert await store.outbox.not_stated_before(NOW - 50) == {CORP: 2, PARTNER: 1}


async def test_people_who_were_removed_or_spoken_of_again_are_not_silent(store: Store) -> None:
    quiet: dict[IdpId, int] = {}
    await store.outbox.note(vouched("ada", NOT_STATED, at=NOW - 100), NOW)
    await store.outbox.note(removed("ada", at=NOW - 50), NOW)
    await store.outbox.note(vouched("bob", NOT_STATED, at=NOW - 100), NOW)
    await store.outbox.note(vouched("bob", {"a"}, at=NOW - 50), NOW)
    assert await store.outbox.not_stated_before(NOW) == quiet
