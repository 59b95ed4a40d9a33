"""`SessionStore` on Redis."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from proxy.identity import IdpId, Subject
from proxy.reasons import Reason
from proxy.session.codec import KeyRing
from proxy.session.model import AccountState, Session, SessionKey
from proxy.session.store import Change, Lease, Suspicion
from proxy.storage.redis.change_feed import announce, changes_after, newest_change
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.keys import Keys, subject_text
from proxy.storage.redis.session_leases import drop_lease, extend_lease, grant_lease
from proxy.storage.redis.session_looks import (
    due_sessions,
    load_sessions,
    sealed_under,
    sessions_before,
    sessions_of,
)
from proxy.storage.redis.session_records import (
    About,
    delete_sessions,
    delete_sessions_of_sid,
    insert_session,
    keys_in,
    seal_again,
    update_session,
    write_account,
)
from proxy.storage.redis.timers import cancel_timer, fired_timers, start_timer
from proxy.storage.redis.work import Work

AT_ONCE: Final = 500
"""Sessions that one unit of work writes about: a server does nothing else meanwhile."""


async def save_session(work: Work, keys: Keys, ring: KeyRing, session: Session, lease: Lease) -> bool:
    """The next version, announced to every process. False when nothing was written."""
    is_written = await update_session(work, keys, ring, session, lease)
    if is_written:
        announce(work, keys, (session.key,), has_ended=False)
    return is_written


async def create_session(
    work: Work, keys: Keys, ring: KeyRing, session: Session, replaces: SessionKey | None
) -> None:
    """The new session; the one it replaces ends."""
    if replaces is not None and replaces != session.key:
        await delete_sessions(work, keys, (replaces,))
    await insert_session(work, keys, ring, session)


class RedisSessions:
    """Sessions, leases, attempts, timers and the feed of changes."""

    def __init__(self, engine: RedisEngine, ring: KeyRing) -> None:
        self._engine = engine
        self._keys = engine.keys
        self._ring = ring

    async def load(self, key: SessionKey) -> Session | None:
        return next(iter(await load_sessions(self._engine, self._ring, (key,))), None)

    async def create(self, session: Session, *, replaces: SessionKey | None = None) -> None:
        await self._engine.write(lambda work: create_session(work, self._keys, self._ring, session, replaces))

    async def save(self, session: Session, *, lease: Lease) -> bool:
        return await self._engine.write(
            lambda work: save_session(work, self._keys, self._ring, session, lease)
        )

    async def end(self, keys: Iterable[SessionKey], reason: Reason, now: float) -> None:
        for some in _portions(keys):
            await self._end(some)

    async def end_subject(self, subject: Subject, reason: Reason, now: float) -> tuple[SessionKey, ...]:
        async def unit(work: Work) -> tuple[SessionKey, ...]:
            return await delete_sessions(work, self._keys, await keys_in(work, self._keys.person(subject)))

        return await self._engine.write(unit)

    async def end_idp_session(
        self, idp: IdpId, sid: str, subject: Subject | None, reason: Reason, now: float
    ) -> tuple[SessionKey, ...]:
        return await self._engine.write(
            lambda work: delete_sessions_of_sid(work, self._keys, idp, sid, subject)
        )

    async def reseal(self, limit: int) -> int:
        """A record that is broken stays under its key and is passed over."""
        count = 0
        first, *others = (key.id for key in self._ring.keys)
        for older in {*others}.difference({first}):
            broken = 0
            while count < limit:
                some = min(AT_ONCE, limit - count)
                found = await sealed_under(self._engine, older, start=broken, limit=some)
                done = await self._reseal(found)
                count, broken = count + done, broken + len(found) - done
                if not found:
                    break
        return count

    async def of_subject(self, subject: Subject) -> tuple[Session, ...]:
        return await sessions_of(self._engine, self._ring, subject)

    async def count(self, idp: IdpId) -> int:
        (count,) = await self._engine.ask(("SCARD", self._keys.idp(idp)))
        return int(count)

    async def set_account(self, subject: Subject, account: AccountState) -> None:
        await self._engine.write(lambda work: write_account(work, self._keys, self._ring, subject, account))

    async def touch(self, seen: dict[SessionKey, float]) -> None:
        for some in _portions([*seen]):
            await self._touch({key: seen[key] for key in some})

    async def mark_spent(self, session: Session, *, lease: Lease) -> bool:
        return await self._engine.write(
            lambda work: update_session(work, self._keys, self._ring, session, lease)
        )

    async def acquire(self, key: SessionKey, *, holder: str, now: float, seconds: float) -> Lease | None:
        return await self._engine.write(
            lambda work: grant_lease(work, self._keys, key, holder=holder, now=now, until=now + seconds)
        )

    async def renew(self, lease: Lease, *, now: float, seconds: float) -> Lease | None:
        return await self._engine.write(
            lambda work: extend_lease(work, self._keys, lease, until=now + seconds)
        )

    async def release(self, lease: Lease) -> None:
        await self._engine.write(lambda work: drop_lease(work, self._keys, lease))

    async def due(
        self, *, before: float, seen_since: float, now: float, limit: int
    ) -> tuple[SessionKey, ...]:
        return await due_sessions(self._engine, before=before, seen_since=seen_since, now=now, limit=limit)

    async def last_used_before(self, cutoff: float, limit: int) -> tuple[Session, ...]:
        return await sessions_before(self._engine, self._ring, self._keys.seen, cutoff, limit)

    async def created_before(self, cutoff: float, limit: int) -> tuple[Session, ...]:
        return await sessions_before(self._engine, self._ring, self._keys.created, cutoff, limit)

    async def spend_attempt(self, state_hash: str, *, now: float, seconds: float) -> bool:
        async def unit(work: Work) -> bool:
            (spent,) = await work.read(("ZSCORE", self._keys.attempts, state_hash))
            if spent is None:
                work.do("ZADD", self._keys.attempts, now + seconds, state_hash)
            return spent is None

        return await self._engine.write(unit)

    async def suspect(self, suspicion: Suspicion) -> bool:
        return await self._engine.write(lambda work: start_timer(work, self._keys, suspicion))

    async def clear_suspicion(self, subject: Subject) -> bool:
        return await self._engine.write(lambda work: cancel_timer(work, self._keys, subject))

    async def fired(self, now: float, limit: int) -> tuple[Suspicion, ...]:
        return await fired_timers(self._engine, now, limit)

    async def suspicions_since(self, idp: IdpId, since: float) -> int:
        (count,) = await self._engine.ask(("ZCOUNT", self._keys.starts(idp), since, "+inf"))
        return int(count)

    async def freeze(self, idp: IdpId, until: float) -> None:
        """A later end wins over an earlier one, whatever their order."""

        async def unit(work: Work) -> None:
            work.do("ZADD", self._keys.freezes, "GT", until, idp)

        await self._engine.write(unit)

    async def changes(self, after: int) -> tuple[int, tuple[Change, ...]]:
        return await changes_after(self._engine, after)

    async def latest_change(self) -> int:
        return await newest_change(self._engine)

    async def ping(self) -> None:
        """Raises Unavailable unless the server takes a write: a store that can only be read is no store."""

        async def unit(work: Work) -> None:
            work.do("SET", self._keys.name("ping"), 1)

        await self._engine.write(unit)

    async def _end(self, keys: list[SessionKey]) -> None:
        await self._engine.write(lambda work: delete_sessions(work, self._keys, keys))

    async def _reseal(self, keys: list[SessionKey]) -> int:
        return await self._engine.write(lambda work: seal_again(work, self._keys, self._ring, keys))

    async def _touch(self, seen: dict[SessionKey, float]) -> None:
        """A session in use is a person at work: their binding outlives the session and remembers it."""
        names = self._keys

        async def unit(work: Work) -> None:
            abouts = await work.peek(*(("HGET", names.session(key), "about") for key in seen))
            for (key, at), about in zip(seen.items(), abouts, strict=True):
                if about is not None:
                    work.do("ZADD", names.seen, "XX", "GT", at, key)
                    work.do("ZADD", names.active, "XX", "GT", at, subject_text(About.parse(about).subject))

        await self._engine.write(unit)


def _portions(keys: Iterable[SessionKey]) -> Iterable[list[SessionKey]]:
    """The keys, so many at once."""
    waiting = iter(keys)
    while some := list(islice(waiting, AT_ONCE)):
        yield some
