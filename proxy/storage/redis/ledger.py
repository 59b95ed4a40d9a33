"""`GuardLedger` and `SharedCounters` on Redis: distinct people within a window, latches, and seats."""

from typing import Final

from proxy.provisioning.model import AccountId
from proxy.storage.redis import seat_writes
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.work import Work

COUNTS_KEPT_SECONDS: Final = 86_400
"""No window may be longer; the guard's and the creation limit's are an hour."""

_CREATIONS: Final = "creations"


class RedisLedger:
    """What the guard counts and latches, how many accounts are being created, and who has a seat."""

    def __init__(self, engine: RedisEngine) -> None:
        self._engine = engine
        self._keys = OutboxKeys(prefix=engine.keys.prefix)

    async def count_removal(self, scope: str, person: str, now: float, *, window: float) -> int:
        return await self._count(f"guard:{scope}", person, now, window)

    async def latch(self, scope: str, now: float) -> bool:
        async def unit(work: Work) -> bool:
            (held,) = await work.fields(self._keys.latches, scope)
            if held is None:
                work.do("HSET", self._keys.latches, scope, now)
            return held is None

        return await self._engine.write(unit)

    async def latched(self) -> frozenset[str]:
        (scopes,) = await self._engine.ask(("HKEYS", self._keys.latches))
        return frozenset(scope.decode() for scope in scopes)

    async def unlatch(self, scope: str) -> bool:
        """An operator's release starts the count anew; else the next removal would latch again at once."""

        async def unit(work: Work) -> bool:
            (held,) = await work.fields(self._keys.latches, scope)
            work.do("DEL", self._keys.counted(f"guard:{scope}"))
            work.do("HDEL", self._keys.latches, scope)
            return held is not None

        return await self._engine.write(unit)

    async def reserve_creation(self, person: str, now: float, *, window: float) -> int:
        return await self._count(_CREATIONS, person, now, window)

    async def reserve_seat(self, person: str, limit: int, now: float, *, seconds: float) -> bool:
        return await self._engine.write(
            lambda work: seat_writes.reserve(work, self._keys, person, limit, now=now, until=now + seconds)
        )

    async def release_seat(self, person: str) -> None:
        async def unit(work: Work) -> None:
            seat_writes.give_back(work, self._keys, person)

        await self._engine.write(unit)

    async def settle_seat(self, person: str, account: AccountId, now: float) -> None:
        async def unit(work: Work) -> None:
            seat_writes.settle(work, self._keys, person, account, now=now)

        await self._engine.write(unit)

    async def vacate_seat(self, account: AccountId) -> None:
        async def unit(work: Work) -> None:
            seat_writes.vacate(work, self._keys, account)

        await self._engine.write(unit)

    async def count_seats(self, now: float) -> int:
        return await self._engine.write(lambda work: seat_writes.count(work, self._keys, now))

    async def recount_seats(
        self, accounts: frozenset[AccountId] | None, *, looked_at: float, now: float
    ) -> None:
        await self._engine.write(
            lambda work: seat_writes.recount(work, self._keys, accounts, looked_at=looked_at, now=now)
        )

    async def seats_counted_at(self) -> float | None:
        (at,) = await self._engine.ask(("GET", self._keys.seats_counted))
        return None if at is None else float(at)

    async def _count(self, scope: str, person: str, now: float, window: float) -> int:
        return await self._engine.write(
            lambda work: _count_person(work, self._keys.counted(scope), person, now, window)
        )


async def _count_person(work: Work, key: str, person: str, now: float, window: float) -> int:
    """How many distinct people the window holds, this one included. Somebody in it already keeps their first time."""
    at, others = await work.read(("ZSCORE", key, person), ("ZCOUNT", key, f"({now - window!r}", "+inf"))
    if at is not None and float(at) > now - window:
        return int(others)
    work.do("ZREMRANGEBYSCORE", key, "-inf", now - COUNTS_KEPT_SECONDS)
    work.do("ZADD", key, now, person)
    work.do("EXPIRE", key, 2 * COUNTS_KEPT_SECONDS)
    return int(others) + 1
