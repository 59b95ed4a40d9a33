"""Looking for sessions: by person, by age, by when they are due, by the key that seals them. Indexes lead, records decide."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from proxy.identity import Subject
from proxy.session.codec import KeyRing, open_session
from proxy.session.model import Session, SessionKey
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.session_records import key_score

PAGE: Final = 500
"""Records in one round trip: enough to be quick, few enough to keep nobody else waiting."""


async def load_sessions(engine: RedisEngine, ring: KeyRing, keys: Sequence[SessionKey]) -> list[Session]:
    """Those that are there and whose seal opens, in the order of their keys."""
    found: list[Session] = []
    for start in range(0, len(keys), PAGE):
        found += await _load(engine, ring, keys[start : start + PAGE])
    return found


async def sessions_of(engine: RedisEngine, ring: KeyRing, subject: Subject) -> tuple[Session, ...]:
    """A person's sessions, the oldest first."""
    (names,) = await engine.ask(("SMEMBERS", engine.keys.person(subject)))
    sessions = await load_sessions(engine, ring, [SessionKey(one.decode()) for one in names])
    theirs = (one for one in sessions if one.subject == subject)
    return tuple(sorted(theirs, key=lambda one: (one.created_at, one.key)))


async def sessions_before(
    engine: RedisEngine, ring: KeyRing, index: str, cutoff: float, limit: int
) -> tuple[Session, ...]:
    """Sessions of a lower score, the lowest first. Those whose seal does not open neither show nor count."""
    found: list[Session] = []
    async for keys in _pages(engine, index, f"({cutoff!r}"):
        found += await _load(engine, ring, keys)
        if len(found) >= limit:
            break
    return tuple(found[:limit])


async def due_sessions(
    engine: RedisEngine, *, before: float, seen_since: float, now: float, limit: int
) -> tuple[SessionKey, ...]:
    """Candidates for early renewal, the most urgent first."""
    found: list[SessionKey] = []
    async for keys in _pages(engine, engine.keys.due, f"({before!r}"):
        found += await _ready(engine, keys, seen_since=seen_since, now=now)
        if len(found) >= limit:
            break
    return tuple(found[:limit])


async def sealed_under(engine: RedisEngine, key_id: bytes, *, start: int, limit: int) -> list[SessionKey]:
    """Sessions that this key seals, without the first `start`."""
    score = key_score(key_id)
    (names,) = await engine.ask(
        ("ZRANGE", engine.keys.sealed, score, score, "BYSCORE", "LIMIT", start, limit)
    )
    return [SessionKey(one.decode()) for one in names]


async def unreadable(engine: RedisEngine, ring: KeyRing, unseen_since: float) -> list[SessionKey]:
    """Sessions sealed under keys that the ring does not hold and not seen for so long; at most a page for each gap."""
    names = await engine.ask(
        *(("ZRANGE", engine.keys.sealed, low, high, "BYSCORE", "LIMIT", 0, PAGE) for low, high in _gaps(ring))
    )
    keys = [SessionKey(one.decode()) for found in names for one in found]
    if not keys:
        return []
    (seen,) = await engine.ask(("ZMSCORE", engine.keys.seen, *keys))
    return [key for key, at in zip(keys, seen, strict=True) if at is None or float(at) < unseen_since]


async def count_unreadable(engine: RedisEngine, ring: KeyRing) -> int:
    counts = await engine.ask(*(("ZCOUNT", engine.keys.sealed, low, high) for low, high in _gaps(ring)))
    return sum(counts)


def _gaps(ring: KeyRing) -> list[tuple[str, str]]:
    """The ranges of scores that no key of the ring has."""
    scores = sorted({key_score(key.id) for key in ring.keys})
    lows, highs = ["-inf", *(f"({one}" for one in scores)], [*(f"({one}" for one in scores), "+inf"]
    return [*zip(lows, highs, strict=True)]


async def _pages(engine: RedisEngine, index: str, below: str) -> AsyncIterator[list[SessionKey]]:
    """The keys of a sorted set below a score, page by page."""
    for start in range(0, 1 << 40, PAGE):
        (names,) = await engine.ask(("ZRANGE", index, "-inf", below, "BYSCORE", "LIMIT", start, PAGE))
        if names:
            yield [SessionKey(one.decode()) for one in names]
        if len(names) < PAGE:
            return


async def _load(engine: RedisEngine, ring: KeyRing, keys: Sequence[SessionKey]) -> list[Session]:
    if not keys:
        return []
    names = engine.keys
    seen, *records = await engine.ask(
        ("ZMSCORE", names.seen, *keys), *(("HGET", names.session(key), "sealed") for key in keys)
    )
    opened = (_opened(ring, *one) for one in zip(keys, records, seen, strict=True))
    return [session for session in opened if session is not None]


def _opened(ring: KeyRing, key: SessionKey, sealed: bytes | None, seen: bytes | None) -> Session | None:
    """The session as it was last seen; None when there is none or its seal does not open."""
    session = None if sealed is None else open_session(ring, key, sealed)
    return session if session is None or seen is None else replace(session, last_seen_at=float(seen))


async def _ready(
    engine: RedisEngine, keys: Sequence[SessionKey], *, seen_since: float, now: float
) -> list[SessionKey]:
    """Those that are in use, out of cool-off and unleased."""
    names = engine.keys
    seen, *records = await engine.ask(
        ("ZMSCORE", names.seen, *keys),
        *(("HMGET", names.session(key), "version", "attempt", "holder", "until") for key in keys),
    )
    return [
        key
        for key, at, (version, attempt, holder, until) in zip(keys, seen, records, strict=True)
        if version is not None
        and float(at or 0) >= seen_since
        and float(attempt or 0) <= now
        and (not holder or float(until or 0) <= now)
    ]
