"""Timers about people whose IdP asked to see them again (semantics §5.3), and the storm's measure."""

import json
from typing import Final

from proxy.identity import IdpId, Subject
from proxy.session.store import Suspicion
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.keys import Keys, subject_of, subject_text
from proxy.storage.redis.work import Work

STARTS_KEPT_SECONDS: Final = 86_400.0
PAGE: Final = 500


async def start_timer(work: Work, keys: Keys, suspicion: Suspicion) -> bool:
    """Start unless one runs for that person; only a start counts towards a storm."""
    who, starts = subject_text(suspicion.subject), keys.starts(suspicion.idp)
    (running,) = await work.read(("HGET", keys.suspicions, who))
    if running is not None:
        return False
    work.do(
        "HSET", keys.suspicions, who, json.dumps([suspicion.idp, suspicion.started_at, suspicion.fires_at])
    )
    work.do("ZADD", keys.fires, suspicion.fires_at, who)
    work.do("ZADD", starts, suspicion.started_at, f"{suspicion.started_at!r} {who}")
    work.do("ZREMRANGEBYSCORE", starts, "-inf", f"({suspicion.started_at - STARTS_KEPT_SECONDS!r}")
    return True


async def cancel_timer(work: Work, keys: Keys, subject: Subject) -> bool:
    who = subject_text(subject)
    (running,) = await work.read(("HGET", keys.suspicions, who))
    if running is None:
        return False
    work.do("HDEL", keys.suspicions, who)
    work.do("ZREM", keys.fires, who)
    return True


async def fired_timers(engine: RedisEngine, now: float, limit: int) -> tuple[Suspicion, ...]:
    """Timers whose time has come, of IdPs that are not frozen; the oldest first."""
    keys = engine.keys
    found: list[Suspicion] = []
    for start in range(0, 1 << 40, PAGE):
        names, frozen = await engine.ask(
            ("ZRANGE", keys.fires, "-inf", now, "BYSCORE", "LIMIT", start, PAGE),
            ("ZRANGE", keys.freezes, f"({now!r}", "+inf", "BYSCORE"),
        )
        timers = await _timers(engine, names)
        found += [one for one in timers if one.idp.encode() not in frozen]
        if len(names) < PAGE or len(found) >= limit:
            break
    return tuple(found[:limit])


async def _timers(engine: RedisEngine, names: list[bytes]) -> list[Suspicion]:
    """Those that still run."""
    if not names:
        return []
    (texts,) = await engine.ask(("HMGET", engine.keys.suspicions, *names))
    return [_suspicion(name, text) for name, text in zip(names, texts, strict=True) if text is not None]


def _suspicion(name: bytes, text: bytes) -> Suspicion:
    idp, started_at, fires_at = json.loads(text)
    return Suspicion(subject=subject_of(name), idp=IdpId(idp), started_at=started_at, fires_at=fires_at)
