"""The bindings' port on keys: everybody page by page, and nobody twice."""

import pytest

from proxy.identity import Subject
from proxy.provisioning.model import AccountId
from proxy.provisioning.outbox import Claim
from proxy.storage.redis import bindings as module
from proxy.storage.redis.bindings import RedisBindings
from proxy.storage.redis.keys import subject_text
from proxy.storage.redis.outbox import RedisOutbox
from proxy.storage.redis.outbox_keys import OutboxKeys
from tests.contract.records import NOW, binding, key, subject, vouched
from tests.fakes.redis_memory import MemoryRedis

NAMES = ["ada", "bob", "eve", "kim", "lee"]


@pytest.fixture
async def bindings(memory: MemoryRedis, keys: OutboxKeys, monkeypatch: pytest.MonkeyPatch) -> RedisBindings:
    """Five people, of whom two make a page."""
    monkeypatch.setattr(module, "PAGE", 2)
    for number, name in enumerate(NAMES):
        entry = await RedisOutbox(memory).note(vouched(name, at=NOW + number), NOW)
        memory.do(("HSET", keys.claim(entry.id), "holder", "h", "until", NOW, "token", 1))
        claim = Claim(entry=entry, holder="h", token=1, until=NOW)
        await RedisOutbox(memory).bind(claim, binding(name, f"account-{name}"))
    return RedisBindings(memory)


async def idle(
    bindings: RedisBindings, before: float, after: Subject | None = None, limit: int = 10
) -> list[str]:
    return [one.binding.login for one in await bindings.idle(before=before, after=after, limit=limit)]


async def test_everybody_comes_in_order_over_all_pages(bindings: RedisBindings) -> None:
    assert [one.login for one in await bindings.all_bindings()] == NAMES


async def test_the_idle_are_looked_for_until_there_are_enough(bindings: RedisBindings) -> None:
    assert await idle(bindings, NOW + 99, limit=3) == ["ada", "bob", "eve"]
    assert await idle(bindings, NOW + 99, after=subject("bob")) == ["eve", "kim", "lee"]
    assert await idle(bindings, NOW + 3, after=subject("bob")) == ["eve"]
    assert await idle(bindings, NOW + 99, after=subject("lee")) == []


async def test_the_newest_of_several_sessions_counts(
    memory: MemoryRedis, keys: OutboxKeys, bindings: RedisBindings
) -> None:
    for name, at in (("one", NOW + 50), ("two", NOW - 50)):
        memory.do(("SADD", keys.person(subject("bob")), key(name)))
        memory.do(("ZADD", keys.seen, at, key(name)))
    assert await idle(bindings, NOW + 50) == NAMES[:1] + NAMES[2:]
    assert await idle(bindings, NOW + 51) == NAMES, "seen in time before then"


async def test_a_session_that_ended_meanwhile_counts_for_nothing(
    memory: MemoryRedis, keys: OutboxKeys, bindings: RedisBindings
) -> None:
    memory.do(("SADD", keys.person(subject("bob")), key("gone")))
    assert "bob" in await idle(bindings, NOW + 50)


async def test_a_person_of_unknown_activity_is_idle(
    memory: MemoryRedis, keys: OutboxKeys, bindings: RedisBindings
) -> None:
    memory.do(("ZREM", keys.active, subject_text(subject("ada"))))
    (found, *_) = await bindings.idle(before=NOW, after=None, limit=1)
    assert (found.binding.login, found.last_active_at) == ("ada", 0.0)


async def test_a_binding_that_names_another_account_is_not_this_accounts(
    memory: MemoryRedis, keys: OutboxKeys, bindings: RedisBindings
) -> None:
    memory.do(("SADD", keys.bound(AccountId("account-ada")), subject_text(subject("bob"))))
    found = await bindings.bindings_of_account(AccountId("account-ada"))
    assert [one.login for one in found] == ["ada"]


async def test_nobody_is_read_without_a_question_to_the_server(memory: MemoryRedis) -> None:
    assert await RedisBindings(memory).all_bindings() == ()
    assert await RedisBindings(memory).bindings_of_account(AccountId("7")) == ()
