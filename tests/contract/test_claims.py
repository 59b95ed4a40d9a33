"""Claims: one courier an entry, found again after a crash, fenced off from whoever lost it."""

import asyncio

from proxy.provisioning.model import EntryState
from proxy.reasons import Reason
from tests.contract.engines import Store
from tests.contract.records import NOW, binding, subject, vouched


async def test_twenty_couriers_get_one_entry_once(store: Store, other: Store) -> None:
    await store.outbox.note(vouched(), NOW)
    claims = await asyncio.gather(
        *(view.outbox.claim(holder="same name", now=NOW, seconds=20) for view in (store, other) * 10)
    )
    assert sum(claim is not None for claim in claims) == 1


async def test_couriers_share_the_work_longest_waiting_first(store: Store) -> None:
    for number, name in enumerate(("ada", "bob", "eve")):
        await store.outbox.note(vouched(name), NOW + number)
    names = []
    while claim := await store.outbox.claim(holder="a", now=NOW + 9, seconds=20):
        names.append(claim.entry.statements[0].subject.subject)
    assert names == ["ada", "bob", "eve"]


async def test_there_is_nothing_to_claim_in_an_empty_outbox(store: Store) -> None:
    assert await store.outbox.claim(holder="a", now=NOW, seconds=20) is None
    assert await store.outbox.claim(holder="a", now=NOW, seconds=20, entry_id=12345) is None


async def test_a_named_entry_is_claimed_whatever_its_next_attempt(store: Store) -> None:
    entry = await store.outbox.note(vouched(), NOW)
    claim = await store.outbox.claim(holder="a", now=NOW, seconds=20)
    assert claim is not None
    await store.outbox.retry(claim, at=NOW + 999, reason=Reason.APP_TROUBLE, detail="")
    assert await store.outbox.claim(holder="a", now=NOW, seconds=20) is None
    assert await store.outbox.claim(holder="a", now=NOW, seconds=20, entry_id=entry.id) is not None
    assert await store.outbox.claim(holder="b", now=NOW, seconds=20, entry_id=entry.id) is None


async def test_a_courier_that_died_loses_its_claim_after_twenty_seconds(store: Store, other: Store) -> None:
    await store.outbox.note(vouched(), NOW)
    dead = await store.outbox.claim(holder="dead", now=NOW, seconds=20)
    assert dead is not None
    assert await other.outbox.claim(holder="next", now=NOW + 19.9, seconds=20) is None
    claim = await other.outbox.claim(holder="next", now=NOW + 20, seconds=20)
    assert claim is not None
    assert claim.entry == dead.entry
    assert claim.token > dead.token


async def test_a_renewed_claim_keeps_others_out(store: Store) -> None:
    await store.outbox.note(vouched(), NOW)
    claim = await store.outbox.claim(holder="a", now=NOW, seconds=20)
    assert claim is not None
    renewed = await store.outbox.renew_claim(claim, now=NOW + 15, seconds=20)
    assert renewed is not None
    assert renewed.until == NOW + 35
    assert await store.outbox.claim(holder="b", now=NOW + 34, seconds=20) is None


async def test_whoever_lost_the_claim_can_write_nothing(store: Store, other: Store) -> None:
    await store.outbox.note(vouched(), NOW)
    lost = await store.outbox.claim(holder="a", now=NOW, seconds=20)
    won = await other.outbox.claim(holder="a", now=NOW + 21, seconds=20)
    assert lost is not None
    assert won is not None
    assert await store.outbox.renew_claim(lost, now=NOW + 22, seconds=20) is None
    assert not await store.outbox.set_creating(lost, "ada")
    assert await store.outbox.bind(lost, binding()) is None
    assert await store.outbox.ack(lost, now=NOW + 22) is None
    await store.outbox.retry(lost, at=NOW, reason=Reason.APP_TROUBLE, detail="lost")
    await store.outbox.set_aside(lost, EntryState.PARKED, reason=Reason.APP_REFUSED, detail="lost")
    await store.outbox.drop(lost)
    assert await store.outbox.entry_of(subject()) == won.entry
    assert await store.bindings.binding_of(subject()) is None
    assert await other.outbox.renew_claim(won, now=NOW + 22, seconds=20) is not None


async def test_what_we_set_out_to_create_is_known_to_the_next_courier(store: Store, other: Store) -> None:
    await store.outbox.note(vouched(), NOW)
    dead = await store.outbox.claim(holder="dead", now=NOW, seconds=20)
    assert dead is not None
    assert await store.outbox.set_creating(dead, "ada.l")
    claim = await other.outbox.claim(holder="next", now=NOW + 20, seconds=20)
    assert claim is not None
    assert claim.entry.creating == "ada.l"
    bound = await other.outbox.bind(claim, binding())
    assert bound is not None
    assert bound.entry.creating is None
