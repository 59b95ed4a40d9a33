"""Everything Muster keeps, on one Redis or Valkey. Any number of replicas share it, and commands beside them.

place.py · locating.py · connecting.py · pool.py     where the server is, and connections to it
engine.py · work.py · commit.py     how a call runs: reads, and units of work that are written whole or not at all
keys.py     the names of everything
sessions.py and session_*.py · timers.py · change_feed.py     the session store
outbox_keys.py     the names of everything else
outbox.py · bindings.py · ledger.py · named_leases.py · rulings.py · audit.py · joint.py     one port each
entry_*.py · claim*.py · binding_writes.py · seat_writes.py · ruling_text.py     the records behind them, and what is written
"""

from typing import Final

from proxy.errors import SettingsError
from proxy.session.codec import KeyRing
from proxy.storage.redis.audit import RedisAudit
from proxy.storage.redis.bindings import RedisBindings
from proxy.storage.redis.change_feed import trim_changes
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.joint import RedisJoint
from proxy.storage.redis.ledger import RedisLedger
from proxy.storage.redis.named_leases import RedisLeases
from proxy.storage.redis.outbox import RedisOutbox
from proxy.storage.redis.place import Place
from proxy.storage.redis.rulings import RedisRulings
from proxy.storage.redis.session_looks import count_unreadable, unreadable
from proxy.storage.redis.session_records import forget, read_held
from proxy.storage.redis.sessions import RedisSessions
from proxy.storage.redis.work import Work

UNREADABLE_KEPT_SECONDS: Final = 30 * 86_400.0


class RedisStore:
    """The ports of one installation."""

    def __init__(self, engine: RedisEngine, ring: KeyRing) -> None:
        self._engine = engine
        self._ring = ring
        self.sessions = RedisSessions(engine, ring)
        self.outbox = RedisOutbox(engine)
        self.bindings = RedisBindings(engine)
        self.ledger = RedisLedger(engine)
        self.leases = RedisLeases(engine)
        self.joint = RedisJoint(engine, ring)
        self.rulings = RedisRulings(engine)
        self.audit = RedisAudit(engine)

    async def clean(self, now: float) -> None:
        """Forget what time has made meaningless; to be called every minute or so. Sessions are ended by their keeper.

        Expired leases and claims need no cleaning: they stand in the record of what they are about.
        """
        keys = self._engine.keys
        lost = await unreadable(self._engine, self._ring, now - UNREADABLE_KEPT_SECONDS)

        async def unit(work: Work) -> None:
            forget(work, keys, await read_held(work, keys, lost))
            await trim_changes(work, keys, now)
            work.do("ZREMRANGEBYSCORE", keys.attempts, "-inf", now)
            work.do("ZREMRANGEBYSCORE", keys.freezes, "-inf", now)

        await self._engine.write(unit)

    async def count_unreadable(self) -> int:
        """Sessions sealed under keys that the ring does not hold: people who will have to sign in again."""
        return await count_unreadable(self._engine, self._ring)

    async def close(self) -> None:
        """Close all connections; later calls raise Unavailable."""
        await self._engine.close()


def make_store(place: Place, ring: KeyRing) -> RedisStore:
    """The store; nothing is connected yet. Raises SettingsError for TLS files that cannot be used."""
    return RedisStore(RedisEngine(place), ring)


async def open_store(place: Place, ring: KeyRing) -> RedisStore:
    """The store, its server asked who it is. Raises SettingsError for one that cannot be ours; one that cannot be reached yet
    is waited for: until then every call raises Unavailable."""
    engine = RedisEngine(place)
    try:
        await engine.open()
    except SettingsError:
        await engine.close()
        raise
    return RedisStore(engine, ring)
