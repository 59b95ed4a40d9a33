"""The feed that every process polls: which sessions changed or ended, in a sorted set by number (docs/decisions/091).

An entry is `NUMBER:MARK:KIND:KEY`. Numbers grow by one; MARK is random. What a poller remembers is number and mark together: a
server that lost its last writes in a fail-over counts on from an earlier number, and its entries then have other marks. Who
remembers an entry that is not there any more has missed something and is told to drop everything. The newest entry is never
trimmed; the others go ten minutes after `trim_changes` first saw them.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from proxy.session.model import SessionKey
from proxy.session.store import Change
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.keys import Keys
from proxy.storage.redis.work import ANNOUNCE, Work

KEPT_SECONDS: Final = 600.0
DROP_EVERYTHING: Final = Change(key=SessionKey(""), has_ended=False)

FIRST: Final = SessionKey("-")
"""Of the entry that a feed begins with: no session's key."""

_MARK_BITS: Final = 32
_ENDED, _CHANGED = "e", "c"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    number: int
    mark: int
    change: Change

    @property
    def position(self) -> int:
        """What a poller remembers."""
        return self.number << _MARK_BITS | self.mark


def announce(work: Work, keys: Keys, sessions: Iterable[SessionKey], *, has_ended: bool) -> None:
    """Tell every process, together with what the unit writes."""
    kind = _ENDED if has_ended else _CHANGED
    entries = [f"{os.urandom(_MARK_BITS // 8).hex()}:{kind}:{key}" for key in sessions]
    if entries:
        work.do(ANNOUNCE, keys.changes, *entries)


async def newest_change(engine: RedisEngine) -> int:
    """Where the feed stands. An empty one gets its first entry: a loss of everything shows only to who remembers something."""
    last = await _last(engine)
    if not last:
        await engine.write(lambda work: _begun(work, engine.keys))
        last = await _last(engine)
    return _parsed(last[0]).position if last else 0


async def _last(engine: RedisEngine) -> list[bytes]:
    (last,) = await engine.ask_master(("ZRANGE", engine.keys.changes, -1, -1))
    return list(last)


async def _begun(work: Work, keys: Keys) -> None:
    announce(work, keys, [FIRST], has_ended=False)


async def changes_after(engine: RedisEngine, after: int) -> tuple[int, tuple[Change, ...]]:
    """The newest position and what came after `after`, or `DROP_EVERYTHING` where that cannot be told any more.

    One command in the ordinary case: it finds the entry that the poller remembers, and what follows it. Only a master's answer
    counts, for it is the proof that ends are heard of (docs/decisions/125).
    """
    (found,) = await engine.ask_master(
        ("ZRANGE", engine.keys.changes, after >> _MARK_BITS, "+inf", "BYSCORE")
    )
    entries = [_parsed(one) for one in found]
    if entries and entries[0].position == after:
        return entries[-1].position, tuple(one.change for one in entries[1:])
    if after == 0 and (not entries or entries[0].number == 1):
        return (entries[-1].position if entries else 0), tuple(one.change for one in entries)
    newest = entries[-1].position if entries else await newest_change(engine)
    return newest, (DROP_EVERYTHING,)


async def trim_changes(work: Work, keys: Keys, now: float) -> None:
    """Forget what was noticed here more than ten minutes ago. Entries carry no time: writers are not asked for one."""
    old = f"({now - KEPT_SECONDS!r}"
    noticed, last = await work.peek(
        ("ZRANGE", keys.changes_noticed, "-inf", old, "BYSCORE"), ("ZRANGE", keys.changes, -1, -1)
    )
    newest = _parsed(last[0]).number if last else 0
    if noticed:
        work.do("ZREMRANGEBYSCORE", keys.changes, "-inf", min(max(map(int, noticed)), newest - 1))
        work.do("ZREMRANGEBYSCORE", keys.changes_noticed, "-inf", old)
    if last:
        work.do("ZADD", keys.changes_noticed, "NX", now, newest)


def _parsed(raw: bytes) -> _Entry:
    number, mark, kind, key = raw.decode().split(":", 3)
    change = Change(key=SessionKey(key), has_ended=kind == _ENDED)
    return _Entry(number=int(number), mark=int(mark, 16), change=change)
