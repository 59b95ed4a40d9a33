"""Seats in keys: taken by accounts, kept for people for a while, and never more than there are."""

from proxy.provisioning.model import AccountId
from proxy.storage.redis import seat_writes
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.work import Work
from tests.contract.records import NOW
from tests.fakes.redis_memory import MemoryRedis

SEVEN = AccountId("7")


async def reserve(
    memory: MemoryRedis, keys: OutboxKeys, person: str, limit: int = 1, now: float = NOW
) -> bool:
    unit = lambda work: seat_writes.reserve(work, keys, person, limit, now=now, until=now + 10)  # noqa: E731 -- one line
    granted: bool = await memory.write(unit)
    return granted


async def counted(memory: MemoryRedis, keys: OutboxKeys, now: float = NOW) -> int:
    number: int = await memory.write(lambda work: seat_writes.count(work, keys, now))
    return number


async def test_a_reservation_runs_out_at_its_end(memory: MemoryRedis, keys: OutboxKeys) -> None:
    assert await reserve(memory, keys, "ada")
    assert await counted(memory, keys, NOW + 9.5) == 1
    assert await counted(memory, keys, NOW + 10) == 0


async def test_one_that_ran_out_is_no_right_to_another(memory: MemoryRedis, keys: OutboxKeys) -> None:
    assert await reserve(memory, keys, "ada")
    assert await reserve(memory, keys, "bob", now=NOW + 10)
    assert not await reserve(memory, keys, "ada", now=NOW + 10)


async def test_whoever_holds_one_keeps_it_though_there_are_fewer_now(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    assert await reserve(memory, keys, "ada")
    assert await reserve(memory, keys, "ada", limit=0, now=NOW + 5)
    assert await counted(memory, keys, NOW + 14) == 1


async def test_what_was_counted_is_guarded(memory: MemoryRedis, keys: OutboxKeys) -> None:
    work = Work(lambda commands: memory.ask(*commands))
    await seat_writes.reserve(work, keys, "ada", 1, now=NOW, until=NOW + 10)
    assert {command[1] for command, _ in work.guards} == {keys.seats, keys.reserved}


async def test_a_seat_settled_ends_the_reservation_and_a_vacated_one_is_free(
    memory: MemoryRedis, keys: OutboxKeys
) -> None:
    await reserve(memory, keys, "ada")

    async def settle(work: Work) -> None:
        seat_writes.settle(work, keys, "ada", SEVEN, now=NOW)

    async def vacate(work: Work) -> None:
        seat_writes.vacate(work, keys, SEVEN)

    await memory.write(settle)
    assert await counted(memory, keys) == 1
    await memory.write(vacate)
    assert await counted(memory, keys) == 0


async def test_a_count_takes_thousands_in_shares(memory: MemoryRedis, keys: OutboxKeys) -> None:
    accounts = {AccountId(str(number)) for number in range(2500)}
    work = Work(lambda commands: memory.ask(*commands))
    await seat_writes.recount(work, keys, accounts, looked_at=NOW, now=NOW)
    assert max(map(len, work.writes)) <= 2003
    for command in work.writes:
        memory.do(command)
    assert await counted(memory, keys) == 2500


async def test_a_count_leaves_seats_that_were_taken_since(memory: MemoryRedis, keys: OutboxKeys) -> None:
    memory.do(("ZADD", keys.seats, NOW + 1, "new", NOW - 1, "gone"))
    await memory.write(
        lambda work: seat_writes.recount(work, keys, {AccountId("new")}, looked_at=NOW, now=NOW + 2)
    )
    assert memory.do(("ZRANGE", keys.seats, 0, -1, "WITHSCORES")) == [b"new", repr(NOW + 1).encode()]
