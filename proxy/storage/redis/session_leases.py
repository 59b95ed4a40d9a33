"""Leases on sessions, in the session's own hash: a session that is gone has none to give."""

from dataclasses import replace

from proxy.session.model import SessionKey
from proxy.session.store import Lease
from proxy.storage.redis.keys import Keys
from proxy.storage.redis.work import Work


async def grant_lease(
    work: Work, keys: Keys, key: SessionKey, *, holder: str, now: float, until: float
) -> Lease | None:
    """A lease with the next fence; None while another holder's is unexpired, or without a session."""
    name = keys.session(key)
    version, held_by, held_until, fence = await work.fields(name, "version", "holder", "until", "fence")
    if version is None:
        return None
    if held_by and held_by.decode() != holder and float(held_until or 0) > now:
        return None
    granted = Lease(key=key, holder=holder, fence=int(fence or 0) + 1, until=until)
    work.do("HSET", name, "holder", holder, "until", until, "fence", granted.fence)
    return granted


async def extend_lease(work: Work, keys: Keys, lease: Lease, *, until: float) -> Lease | None:
    """The lease until later; None when somebody else was granted one since, or the session ended."""
    if not await _is_held(work, keys, lease):
        return None
    work.do("HSET", keys.session(lease.key), "until", until)
    return replace(lease, until=until)


async def drop_lease(work: Work, keys: Keys, lease: Lease) -> None:
    """Give it back. The fence stays: a later write under this lease is refused."""
    if await _is_held(work, keys, lease):
        work.do("HDEL", keys.session(lease.key), "holder", "until")


async def _is_held(work: Work, keys: Keys, lease: Lease) -> bool:
    holder, fence = await work.fields(keys.session(lease.key), "holder", "fence")
    return (holder, fence) == (lease.holder.encode(), str(lease.fence).encode())
