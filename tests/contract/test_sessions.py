"""Sessions: what is written is what is read, versions are never skipped, and an end is an end."""

from dataclasses import replace

import pytest

from proxy.identity import NOT_STATED, IdpId
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Pending, Ready, Session, Spent, Tokens
from proxy.session.store import Change, Lease
from tests.contract.conftest import OpenStore
from tests.contract.engines import Engine, Store
from tests.contract.records import CORP, NOW, PARTNER, identity, key, next_version, session, subject


async def leased(store: Store, held: Session, holder: str = "a") -> Lease:
    lease = await store.sessions.acquire(held.key, holder=holder, now=NOW, seconds=30)
    assert lease is not None
    return lease


async def test_an_unknown_key_is_no_session(store: Store) -> None:
    assert await store.sessions.load(key("nobody")) is None


async def test_a_created_session_is_loaded_as_it_was_also_by_another_process(
    store: Store, other: Store
) -> None:
    held = replace(
        session(),
        identity=identity(groups=NOT_STATED),
        spent=Spent(token_hash="ab", at=NOW),
        trouble=Reason.IDP_TROUBLE,
        next_attempt_at=NOW + 30,
        idp_session="sid",
        tokens=Tokens(
            access_token="a", refresh_token="r", id_token="i", access_expires_at=1.5, refresh_expires_at=2.5
        ),
    )
    await store.sessions.create(held)
    assert await store.sessions.load(held.key) == held
    assert await other.sessions.load(held.key) == held


async def test_creating_the_same_session_again_changes_nothing(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    await store.sessions.create(held)
    assert await store.sessions.of_subject(held.subject) == (held,)


async def test_a_new_session_ends_the_one_it_replaces(store: Store) -> None:
    old, new = session("old"), session("new")
    await store.sessions.create(old)
    await store.sessions.create(new, replaces=old.key)
    assert await store.sessions.of_subject(subject()) == (new,)


async def test_replacing_an_unknown_session_is_no_error(store: Store) -> None:
    await store.sessions.create(session("new"), replaces=key("gone"))
    assert await store.sessions.load(key("new")) is not None


async def test_the_next_version_is_saved_under_the_lease(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    after = next_version(held)
    assert await store.sessions.save(after, lease=await leased(store, held))
    assert await store.sessions.load(held.key) == after


@pytest.mark.parametrize("version", [0, 1, 3, 4])
async def test_a_save_whose_version_is_not_the_next_is_refused(store: Store, version: int) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await leased(store, held)
    assert not await store.sessions.save(replace(held, due_at=1.0, version=version), lease=lease)
    assert await store.sessions.load(held.key) == held


async def test_a_save_can_be_repeated_when_its_answer_was_lost(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lease, after = await leased(store, held), next_version(held)
    assert await store.sessions.save(after, lease=lease)
    assert await store.sessions.save(after, lease=lease)
    assert not await store.sessions.save(replace(after, due_at=1.0), lease=lease)
    assert await store.sessions.load(held.key) == after


async def test_a_save_after_the_session_ended_does_not_bring_it_back(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await leased(store, held)
    await store.sessions.end([held.key], Reason.SIGNED_OUT, NOW)
    assert not await store.sessions.save(next_version(held), lease=lease)
    assert await store.sessions.load(held.key) is None


async def test_a_lease_on_one_session_writes_no_other(store: Store) -> None:
    mine, theirs = session("mine"), session("theirs")
    await store.sessions.create(mine)
    await store.sessions.create(theirs)
    lease = await leased(store, mine)
    await leased(store, theirs)
    assert not await store.sessions.save(next_version(theirs), lease=lease)
    assert await store.sessions.load(theirs.key) == theirs


async def test_the_mark_of_a_spent_token_is_durable_and_counts_as_a_version(
    store: Store, other: Store
) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await leased(store, held)
    marked = replace(held, spent=Spent(token_hash="ab", at=NOW), version=2)
    assert await store.sessions.mark_spent(marked, lease=lease)
    assert await other.sessions.load(held.key) == marked
    assert await store.sessions.save(replace(marked, spent=None, version=3), lease=lease)


async def test_a_mark_without_the_lease_is_refused(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    lost = await leased(store, held)
    await leased(store, held)
    assert not await store.sessions.mark_spent(next_version(held), lease=lost)
    assert await store.sessions.load(held.key) == held


async def test_ending_removes_the_named_sessions_and_ignores_unknown_ones(store: Store) -> None:
    first, second = session("first"), session("second")
    await store.sessions.create(first)
    await store.sessions.create(second)
    await store.sessions.end([first.key, key("unknown")], Reason.SIGNED_OUT, NOW)
    assert await store.sessions.of_subject(subject()) == (second,)


async def test_ending_a_person_ends_all_their_sessions_and_nobody_elses(store: Store) -> None:
    for name in ("one", "two", "three"):
        await store.sessions.create(session(name))
    await store.sessions.create(session("bob's", "bob"))
    namesake = session("namesake's", "ada", PARTNER)
    await store.sessions.create(namesake)
    ended = await store.sessions.end_subject(subject(), Reason.IDP_DENIED, NOW)
    assert set(ended) == {key("one"), key("two"), key("three")}
    assert await store.sessions.of_subject(subject()) == ()
    assert await store.sessions.load(key("bob's")) is not None
    assert await store.sessions.load(namesake.key) == namesake
    assert await store.sessions.end_subject(subject(), Reason.IDP_DENIED, NOW) == ()


async def signed_in(store: Store, name: str, person: str = "ada", idp: IdpId = CORP, sid: str = "s1") -> None:
    await store.sessions.create(replace(session(name, person, idp), idp_session=sid))


async def test_ending_an_idps_session_ends_what_it_led_to_and_nothing_else(store: Store) -> None:
    await signed_in(store, "desk")
    await signed_in(store, "phone", sid="s2")
    await signed_in(store, "bob's on the same machine", "bob")
    await signed_in(store, "the same word at another IdP", idp=PARTNER)
    await store.sessions.create(session("without"))
    ended = await store.sessions.end_idp_session(CORP, "s1", None, Reason.SIGNED_OUT, NOW)
    assert set(ended) == {key("desk"), key("bob's on the same machine")}
    for name in ("phone", "the same word at another IdP", "without"):
        assert await store.sessions.load(key(name)) is not None
    assert await store.sessions.load(key("desk")) is None
    assert await store.sessions.end_idp_session(CORP, "s1", None, Reason.SIGNED_OUT, NOW) == ()


async def test_ending_an_idps_session_of_one_person_leaves_everybody_elses(store: Store) -> None:
    await signed_in(store, "ada's")
    await signed_in(store, "bob's", "bob")
    stranger = await store.sessions.end_idp_session(CORP, "s1", subject("eve"), Reason.SIGNED_OUT, NOW)
    assert stranger == ()
    ended = await store.sessions.end_idp_session(CORP, "s1", subject("bob"), Reason.SIGNED_OUT, NOW)
    assert ended == (key("bob's"),)
    assert await store.sessions.load(key("ada's")) is not None


@pytest.mark.parametrize("sid", ["", "S1", "s1 ", "%", "s_", "*", "{s1}", "\ud800", "s1\x00"])
async def test_a_sid_means_itself_and_no_pattern(store: Store, sid: str) -> None:
    await signed_in(store, "desk")
    assert await store.sessions.end_idp_session(CORP, sid, None, Reason.SIGNED_OUT, NOW) == ()
    assert await store.sessions.load(key("desk")) is not None


async def test_a_session_that_was_saved_meanwhile_still_ends_with_its_idps(
    store: Store, other: Store
) -> None:
    await signed_in(store, "desk")
    held = await store.sessions.load(key("desk"))
    assert held is not None
    assert await store.sessions.save(next_version(held), lease=await leased(store, held))
    assert await other.sessions.end_idp_session(CORP, "s1", None, Reason.SIGNED_OUT, NOW) == (key("desk"),)


async def test_the_end_of_an_idps_session_reaches_every_process(store: Store, other: Store) -> None:
    await signed_in(store, "desk")
    before = await other.sessions.latest_change()
    await store.sessions.end_idp_session(CORP, "s1", None, Reason.SIGNED_OUT, NOW)
    _, changes = await other.sessions.changes(before)
    assert changes == (Change(key=key("desk"), has_ended=True),)


async def test_a_fresh_store_has_nothing_to_seal_anew(store: Store) -> None:
    await store.sessions.create(session())
    assert await store.sessions.reseal(100) == 0


async def test_records_under_an_older_key_are_sealed_anew_and_say_the_same(
    engine: Engine, open_store: OpenStore
) -> None:
    before = open_store()
    for name in ("one", "two", "three"):
        await before.sessions.create(session(name))
    engine.add_key()
    after = open_store()
    newest = await after.sessions.latest_change()
    assert [await after.sessions.reseal(2) for _ in range(3)] == [2, 1, 0]
    assert set(await after.sessions.of_subject(subject())) == {
        session("one"),
        session("two"),
        session("three"),
    }
    assert await after.sessions.latest_change() == newest, "nothing that a cache should hear"
    assert await before.sessions.load(key("one")) is None, (
        "sealed under a key that this process does not have"
    )


async def test_a_lease_outlives_the_sealing_anew(engine: Engine, open_store: OpenStore) -> None:
    before = open_store()
    held = session()
    await before.sessions.create(held)
    lease = await leased(before, held)
    engine.add_key()
    after = open_store()
    assert await after.sessions.reseal(10) == 1
    assert await after.sessions.save(next_version(held), lease=lease)
    assert await after.sessions.reseal(10) == 0


async def test_sessions_are_counted_per_idp(store: Store) -> None:
    await store.sessions.create(session("one"))
    await store.sessions.create(session("two", "bob"))
    await store.sessions.create(session("three", "bob", PARTNER))
    assert await store.sessions.count(CORP) == 2
    assert await store.sessions.count(PARTNER) == 1


@pytest.mark.parametrize(
    "account", [Ready(login="ada.l", account_id="9"), Pending(), AccountRefused(reason=Reason.NO_SEAT)]
)
async def test_the_account_state_reaches_every_session_of_the_person(
    store: Store, account: Ready | Pending | AccountRefused
) -> None:
    await store.sessions.create(session("one"))
    await store.sessions.create(session("two"))
    await store.sessions.create(session("bob's", "bob"))
    await store.sessions.set_account(subject(), account)
    after = await store.sessions.of_subject(subject())
    assert [(held.account, held.version) for held in after] == [(account, 2)] * 2
    assert (await store.sessions.of_subject(subject("bob")))[0].version == 1


async def test_a_save_that_did_not_see_the_new_account_state_fails_and_can_be_done_again(
    store: Store,
) -> None:
    held = session()
    await store.sessions.create(held)
    lease = await leased(store, held)
    await store.sessions.set_account(held.subject, Pending())
    assert not await store.sessions.save(next_version(held), lease=lease)
    current = await store.sessions.load(held.key)
    assert current is not None
    assert await store.sessions.save(next_version(current), lease=lease)
    saved = await store.sessions.load(held.key)
    assert saved is not None
    assert (saved.account, saved.due_at, saved.version) == (Pending(), NOW + 7200, 3)


async def test_the_same_account_state_again_is_no_new_version(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    await store.sessions.set_account(held.subject, held.account)
    assert await store.sessions.load(held.key) == held


async def test_last_seen_is_raised_and_never_lowered(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    await store.sessions.touch({held.key: NOW + 60, key("unknown"): NOW})
    await store.sessions.touch({held.key: NOW + 30})
    await store.sessions.touch({})
    assert await store.sessions.load(held.key) == replace(held, last_seen_at=NOW + 60)


async def test_a_save_does_not_lower_last_seen(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    await store.sessions.touch({held.key: NOW + 60})
    assert await store.sessions.save(next_version(held), lease=await leased(store, held))
    saved = await store.sessions.load(held.key)
    assert saved is not None
    assert saved.last_seen_at == NOW + 60


async def test_idle_and_old_sessions_are_found_oldest_first_up_to_the_limit(store: Store) -> None:
    for age, name in enumerate(("new", "middle", "old")):
        seen = NOW - 100 * age
        await store.sessions.create(replace(session(name), created_at=seen, last_seen_at=seen))
    idle = await store.sessions.last_used_before(NOW, 10)
    assert [one.key for one in idle] == [key("old"), key("middle")]
    old = await store.sessions.created_before(NOW, 1)
    assert [one.key for one in old] == [key("old")]
    assert await store.sessions.last_used_before(NOW - 200, 10) == ()


async def test_a_state_is_redeemed_once(store: Store, other: Store) -> None:
    assert await store.sessions.spend_attempt("hash", now=NOW, seconds=600)
    assert not await store.sessions.spend_attempt("hash", now=NOW + 1, seconds=600)
    assert not await other.sessions.spend_attempt("hash", now=NOW + 599, seconds=600)
    assert await other.sessions.spend_attempt("another", now=NOW, seconds=600)


async def test_cleaning_keeps_a_spent_state_for_as_long_as_it_was_asked_to(store: Store) -> None:
    await store.sessions.spend_attempt("hash", now=NOW, seconds=600)
    await store.clean(NOW + 599)
    assert not await store.sessions.spend_attempt("hash", now=NOW + 599, seconds=600)
    await store.clean(NOW + 600)
    assert await store.sessions.spend_attempt("hash", now=NOW + 700, seconds=600)


async def test_cleaning_leaves_sessions_to_their_keeper(store: Store) -> None:
    held = session()
    await store.sessions.create(held)
    await store.clean(NOW + 365 * 86_400)
    assert await store.sessions.load(held.key) == held


async def test_a_ping_is_answered(store: Store) -> None:
    await store.sessions.ping()
