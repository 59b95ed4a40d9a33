"""Bindings in keys: made with the entry's new name, found from both sides, and gone from both."""

from dataclasses import replace

from proxy.groups.rules import AppGroupName
from proxy.provisioning.model import AccountId, Binding
from proxy.provisioning.outbox import Claim
from proxy.storage.redis.binding_writes import (
    bind_claimed,
    bindings_of,
    delete_binding,
    replace_memberships,
    rewrite_binding,
)
from proxy.storage.redis.entry_writes import entry_of_subject, note_statement
from proxy.storage.redis.keys import subject_text
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.work import Work
from tests.contract.records import NOW, PARTNER, binding, subject, vouched
from tests.contract.redis_indexes import wrong_indexes
from tests.fakes.redis_memory import MemoryRedis

SEVEN = AccountId("7")


async def taken(memory: MemoryRedis, keys: OutboxKeys, name: str = "ada", at: float = NOW) -> Claim:
    entry = await memory.write(lambda work: note_statement(work, keys, vouched(name, {"a"}, at=at), NOW))
    memory.do(("HSET", keys.claim(entry.id), "holder", "h", "until", NOW + 20, "token", 1))
    return Claim(entry=entry, holder="h", token=1, until=NOW + 20)


async def bound(memory: MemoryRedis, keys: OutboxKeys, one: Binding) -> Claim:
    claim = await taken(memory, keys, one.subject.subject)
    made: Claim | None = await memory.write(lambda work: bind_claimed(work, keys, claim, one))
    assert made is not None
    return made


async def rewritten(memory: MemoryRedis, keys: OutboxKeys, one: Binding) -> None:
    await memory.write(lambda work: rewrite_binding(work, keys, one))


async def in_groups(memory: MemoryRedis, keys: OutboxKeys, *names: str) -> None:
    groups = [AppGroupName(name) for name in names]
    await memory.write(lambda work: replace_memberships(work, keys, SEVEN, groups))


async def test_binding_moves_the_entry_from_the_subject_to_the_account(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    await bound(memory, keys, binding())
    assert memory.do(("GET", keys.owned(SEVEN))) == b"1"
    assert keys.asking(subject()).encode() not in memory.data
    assert await wrong_indexes(memory) == []


async def test_absorbed_entries_leave_nothing_behind(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await bound(memory, keys, binding("bob"))
    after = await bound(memory, keys, binding("ada"))
    assert {one.subject.subject for one in after.entry.statements} == {"ada", "bob"}
    assert memory.do(("ZCARD", keys.entries)) == 1
    assert keys.claim(1).encode() not in memory.data, "whoever had claimed it has lost that claim"
    assert await wrong_indexes(memory) == []


async def test_whoever_bound_carries_on_with_the_version_they_claimed(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    await bound(memory, keys, binding("bob"))
    after = await bound(memory, keys, binding("ada"))
    kept = await memory.write(lambda work: entry_of_subject(work, keys, subject()))
    assert (after.entry.version, kept.entry.version) == (1, 2)
    assert replace(after.entry, version=2) == kept.entry


async def test_an_entry_that_changes_its_account_is_not_found_with_the_old_one(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    claim = await bound(memory, keys, binding("ada", "7"))
    again = await memory.write(lambda work: bind_claimed(work, keys, claim, binding("bob", "8")))
    assert again is not None
    assert keys.owned(SEVEN).encode() not in memory.data
    assert await wrong_indexes(memory) == []


async def test_without_the_claim_or_bound_elsewhere_nothing_is_written(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    claim = await taken(memory, keys)
    before = {*memory.data}
    lost = replace(claim, token=2)
    assert await memory.write(lambda work: bind_claimed(work, keys, lost, binding())) is None
    assert {*memory.data} == before
    await memory.write(lambda work: bind_claimed(work, keys, claim, binding(account="7")))
    assert await memory.write(lambda work: bind_claimed(work, keys, claim, binding(account="8"))) is None
    assert keys.bound(AccountId("8")).encode() not in memory.data


async def test_a_binding_made_again_never_makes_its_person_older(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    claim = await taken(memory, keys, at=NOW - 50)
    await memory.write(lambda work: bind_claimed(work, keys, claim, binding()))
    assert memory.do(("ZSCORE", keys.active, subject_text(subject()))) == repr(NOW - 50).encode()
    memory.do(("ZADD", keys.active, NOW + 5, subject_text(subject())))
    await memory.write(lambda work: bind_claimed(work, keys, claim, binding()))
    assert memory.do(("ZSCORE", keys.active, subject_text(subject()))) == repr(NOW + 5).encode()


async def test_blocking_takes_the_person_out_of_the_count_and_back(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    await bound(memory, keys, binding())
    for is_blocked, count in ((True, 0), (True, 0), (False, 1)):
        await rewritten(memory, keys, binding(is_blocked=is_blocked))
        assert memory.do(("HLEN", keys.unblocked)) == count
        assert await wrong_indexes(memory) == []


async def test_a_binding_that_is_not_there_is_not_written(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await bound(memory, keys, binding())
    before = {*memory.data}
    for other in (binding(account="8"), binding("nobody")):
        await rewritten(memory, keys, other)
    assert {*memory.data} == before


async def test_the_last_to_leave_an_account_takes_entry_and_memberships_along(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    await bound(memory, keys, binding())
    await in_groups(memory, keys, "A")
    await memory.write(lambda work: delete_binding(work, keys, subject()))
    assert memory.do(("GET", keys.asking(subject()))) == b"1"
    gone = (keys.owned(SEVEN), keys.bound(SEVEN), keys.member_of(SEVEN), keys.group(AppGroupName("A")))
    assert not {name.encode() for name in gone} & {*memory.data}
    assert await wrong_indexes(memory) == []


async def test_one_of_two_leaves_without_their_statements(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await bound(memory, keys, binding("bob"))
    await bound(memory, keys, binding("ada"))
    await memory.write(lambda work: delete_binding(work, keys, subject("bob")))
    kept = await memory.write(lambda work: entry_of_subject(work, keys, subject("ada")))
    assert [one.subject for one in kept.entry.statements] == [subject("ada")]
    assert await memory.write(lambda work: entry_of_subject(work, keys, subject("bob"))) is None
    assert await wrong_indexes(memory) == []


async def test_a_binding_without_an_entry_can_be_forgotten(memory: MemoryRedis, keys: OutboxKeys) -> None:
    claim = await bound(memory, keys, binding())
    await memory.write(lambda work: bind_claimed(work, keys, claim, binding("bob", "8")))
    await memory.write(lambda work: delete_binding(work, keys, subject()))
    assert memory.do(("GET", keys.binding(subject()))) is None
    assert await wrong_indexes(memory) == []


async def test_forgetting_guards_who_else_is_bound(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await bound(memory, keys, binding())
    work = Work(lambda commands: memory.ask(*commands))
    await delete_binding(work, keys, subject())
    assert keys.bound(SEVEN) in {command[1] for command, _ in work.guards}


async def test_memberships_are_known_from_both_sides(memory: MemoryRedis, keys: OutboxKeys) -> None:
    for names in (("A", "B"), ("B", "C"), ()):
        await in_groups(memory, keys, *names)
        assert {one.decode() for one in memory.do(("SMEMBERS", keys.member_of(SEVEN)))} == {*names}
        held = {name for name in "ABC" if memory.do(("SCARD", keys.group(AppGroupName(name))))}
        assert held == {*names}


async def test_people_of_another_idp_are_other_people(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await bound(memory, keys, binding())
    one = binding(idp=PARTNER)
    await rewritten(memory, keys, one)
    assert memory.do(("GET", keys.binding(one.subject))) is None


async def test_whom_an_account_has_is_guarded(memory: MemoryRedis, keys: OutboxKeys) -> None:
    await bound(memory, keys, binding("bob"))
    await bound(memory, keys, binding("ada"))
    work = Work(lambda commands: memory.ask(*commands))
    assert [one.login for one in await bindings_of(work, keys, SEVEN)] == ["ada", "bob"]
    assert work.needs_commit
