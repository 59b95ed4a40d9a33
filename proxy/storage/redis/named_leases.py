"""`NamedLeases` on Redis: one hash a name; the fence outlives the lease."""

from dataclasses import replace

from proxy.provisioning.leases import NamedLease
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.work import Work


class RedisLeases:
    """Leases by name, across processes."""

    def __init__(self, engine: RedisEngine) -> None:
        self._engine = engine
        self._keys = OutboxKeys(prefix=engine.keys.prefix)

    async def acquire(self, name: str, *, holder: str, now: float, seconds: float) -> NamedLease | None:
        return await self._engine.write(
            lambda work: _grant(work, self._keys.lease(name), name, holder, now=now, until=now + seconds)
        )

    async def renew(self, lease: NamedLease, *, now: float, seconds: float) -> NamedLease | None:
        later = replace(lease, until=now + seconds)
        is_ours = await self._engine.write(lambda work: _prolong(work, self._keys.lease(lease.name), later))
        return later if is_ours else None

    async def release(self, lease: NamedLease) -> None:
        """The fence stays: the next grant is told from this one."""
        await self._engine.write(lambda work: _end(work, self._keys.lease(lease.name), lease))


async def _grant(
    work: Work, key: str, name: str, holder: str, *, now: float, until: float
) -> NamedLease | None:
    held_until, fence = await work.fields(key, "until", "fence")
    if held_until is not None and float(held_until) > now:
        return None
    granted = NamedLease(name=name, holder=holder, fence=int(fence or 0) + 1, until=until)
    work.do("HSET", key, "holder", holder, "until", until, "fence", granted.fence)
    return granted


async def _prolong(work: Work, key: str, lease: NamedLease) -> bool:
    is_ours = await _is_ours(work, key, lease)
    if is_ours:
        work.do("HSET", key, "until", lease.until)
    return is_ours


async def _end(work: Work, key: str, lease: NamedLease) -> None:
    if await _is_ours(work, key, lease):
        work.do("HDEL", key, "holder", "until")


async def _is_ours(work: Work, key: str, lease: NamedLease) -> bool:
    """Whether it was neither given back nor granted to anybody since."""
    holder, fence = await work.fields(key, "holder", "fence")
    return (holder, fence) == (lease.holder.encode(), str(lease.fence).encode())
