"""Bindings: one account a subject, made together with the entry's new key."""

import asyncio

from proxy.groups.rules import AppGroupName, RoleName
from proxy.identity import IdpId
from proxy.provisioning.model import AccountId, EntryState
from proxy.provisioning.outbox import Claim
from proxy.session.codec import groups_to_json
from tests.contract.engines import Store
from tests.contract.records import CORP, NOW, PARTNER, binding, removed, subject, vouched


async def claimed(store: Store, entry_id: int) -> Claim:
    claim = await store.outbox.claim(holder="courier", now=NOW, seconds=20, entry_id=entry_id)
    assert claim is not None
    return claim


async def bound(store: Store, name: str = "ada", account: str = "7", idp: IdpId = CORP) -> Claim:
    """A person bound to an account; the claim is still held."""
    entry = await store.outbox.note(vouched(name, {"a"}, idp=idp), NOW)
    claim = await store.outbox.bind(await claimed(store, entry.id), binding(name, account, idp))
    assert claim is not None
    return claim


async def test_nobody_is_bound_at_first(store: Store) -> None:
    assert await store.bindings.binding_of(subject()) is None
    assert await store.bindings.bindings_of_account(AccountId("7")) == ()
    assert await store.bindings.count_members() == 0


async def test_binding_writes_the_binding_and_rekeys_the_entry_at_once(store: Store, other: Store) -> None:
    claim = await bound(store)
    assert claim.entry.account_id == AccountId("7")
    assert await other.bindings.binding_of(subject()) == binding()
    assert await other.bindings.bindings_of_account(AccountId("7")) == (binding(),)
    assert await other.outbox.entry_of(subject()) == claim.entry
    acknowledged = await store.outbox.ack(claim, now=NOW)
    assert acknowledged is not None
    assert acknowledged.state is EntryState.DONE


async def test_a_statement_after_binding_goes_to_the_accounts_entry(store: Store) -> None:
    claim = await bound(store)
    entry = await store.outbox.note(vouched(groups={"b"}, at=NOW + 1), NOW + 1)
    assert (entry.id, entry.account_id) == (claim.entry.id, AccountId("7"))


async def test_a_bound_person_without_an_entry_gets_the_accounts(store: Store) -> None:
    first = await bound(store, "ada", "7")
    second = await bound(store, "ada", "7", PARTNER)
    assert first.entry.id != second.entry.id
    entry = await store.outbox.note(vouched(groups={"c"}, at=NOW + 1), NOW + 1)
    assert entry.id == second.entry.id


async def test_an_entry_of_the_same_account_is_merged_in_and_still_to_be_carried_out(store: Store) -> None:
    first = await bound(store)
    second = await bound(store, idp=PARTNER)
    assert {one.source for one in second.entry.statements} == {CORP, PARTNER}
    assert await store.outbox.ack(first, now=NOW) is None
    after = await store.outbox.ack(second, now=NOW)
    assert after is not None
    assert after.state is EntryState.OPEN
    final = await store.outbox.ack(await claimed(store, after.id), now=NOW)
    assert final is not None
    assert final.state is EntryState.DONE
    assert len(await store.outbox.entries(None, 10)) == 1


async def test_merging_keeps_the_latest_of_each_source(store: Store) -> None:
    first = await bound(store)
    await store.outbox.ack(first, now=NOW)
    entry = await store.outbox.note(vouched("eve", {"b"}, at=NOW + 5), NOW + 5)
    merged = await store.outbox.bind(await claimed(store, entry.id), binding("eve"))
    assert merged is not None
    known = {one.subject.subject: groups_to_json(one.known_groups) for one in merged.entry.statements}
    assert known == {"ada": ["a"], "eve": ["b"]}
    assert set(await store.bindings.bindings_of_account(AccountId("7"))) == {binding(), binding("eve")}


async def test_a_subject_is_never_bound_to_a_second_account(store: Store) -> None:
    claim = await bound(store)
    assert await store.outbox.bind(claim, binding(account="8")) is None
    assert await store.bindings.binding_of(subject()) == binding()


async def test_binding_again_to_the_same_account_is_harmless(store: Store) -> None:
    claim = await bound(store)
    assert await store.outbox.bind(claim, binding()) == claim


async def test_twenty_couriers_bind_once(store: Store, other: Store) -> None:
    entry = await store.outbox.note(vouched(), NOW)
    claim = await claimed(store, entry.id)
    attempts = [
        view.outbox.bind(claim, binding(account=str(number)))
        for number in range(10)
        for view in (store, other)
    ]
    won = [one for one in await asyncio.gather(*attempts) if one is not None]
    held = await store.bindings.binding_of(subject())
    assert held is not None
    assert {one.entry.account_id for one in won} == {held.account_id}


async def test_updating_writes_login_role_and_block_and_never_the_account(store: Store) -> None:
    await bound(store)
    after = binding(is_blocked=True, role="builder")
    await store.bindings.update_binding(after)
    assert await store.bindings.binding_of(subject()) == after
    await store.bindings.update_binding(binding(account="8"))
    await store.bindings.update_binding(binding("nobody"))
    assert await store.bindings.binding_of(subject()) == after
    assert await store.bindings.binding_of(subject("nobody")) is None
    assert after.granted_role == RoleName("builder")


async def test_members_are_bindings_that_are_not_blocked(store: Store) -> None:
    await bound(store, "ada", "7")
    await bound(store, "bob", "8")
    await store.bindings.update_binding(binding("bob", "8", is_blocked=True))
    assert await store.bindings.count_members() == 1


async def test_unbinding_one_of_two_subjects_takes_only_its_statements_along(store: Store) -> None:
    await bound(store)
    await bound(store, idp=PARTNER)
    await store.bindings.unbind(subject())
    assert await store.bindings.binding_of(subject()) is None
    assert await store.outbox.entry_of(subject()) is None
    entry = await store.outbox.entry_of(subject(idp=PARTNER))
    assert entry is not None
    assert (entry.account_id, [one.source for one in entry.statements]) == (AccountId("7"), [PARTNER])


async def test_unbinding_somebody_who_is_not_bound_changes_nothing(store: Store) -> None:
    entry = await store.outbox.note(vouched(), NOW)
    await store.bindings.unbind(subject())
    assert await store.outbox.entry_of(subject()) == entry


async def test_a_statement_between_unbinding_and_binding_anew_is_kept(store: Store) -> None:
    claim = await bound(store)
    await store.bindings.unbind(subject())
    await store.outbox.note(removed(at=NOW + 1), NOW + 1)
    again = await store.outbox.bind(claim, binding(account="8"))
    assert again is not None
    after = await store.outbox.ack(again, now=NOW + 2)
    assert after is not None
    assert after.state is EntryState.OPEN
    assert after.statements[0].at == NOW + 1


async def test_memberships_are_replaced_and_counted_by_group(store: Store) -> None:
    def groups(*names: str) -> frozenset[AppGroupName]:
        return frozenset(map(AppGroupName, names))

    await store.bindings.set_memberships(AccountId("7"), groups("Developers", "Writers"))
    await store.bindings.set_memberships(AccountId("8"), groups("Developers"))
    assert await store.bindings.count_in_group(AppGroupName("Developers")) == 2
    assert await store.bindings.memberships(AccountId("7")) == groups("Developers", "Writers")
    await store.bindings.set_memberships(AccountId("7"), groups("Writers"))
    assert await store.bindings.memberships(AccountId("7")) == groups("Writers")
    assert await store.bindings.memberships(AccountId("9")) == groups()
    assert await store.bindings.count_in_group(AppGroupName("Developers")) == 1
    assert await store.bindings.count_in_group(AppGroupName("Writers")) == 1
    assert await store.bindings.count_in_group(AppGroupName("Nobody")) == 0


async def test_an_account_that_nobody_is_bound_to_is_in_no_group(store: Store) -> None:
    await bound(store)
    await store.bindings.set_memberships(AccountId("7"), frozenset({AppGroupName("Developers")}))
    await store.bindings.unbind(subject())
    assert await store.bindings.count_in_group(AppGroupName("Developers")) == 0


async def test_everybody_is_listed_in_one_order(store: Store, other: Store) -> None:
    assert await store.bindings.all_bindings() == ()
    for name, account, idp in (("eve", "9", CORP), ("ada", "7", PARTNER), ("ada", "7", CORP)):
        await bound(store, name, account, idp)
    listed = await other.bindings.all_bindings()
    assert [(one.subject.issuer, one.subject.subject) for one in listed] == [
        ("https://corp.example.com", "ada"),
        ("https://corp.example.com", "eve"),
        ("https://partner.example.com", "ada"),
    ]
