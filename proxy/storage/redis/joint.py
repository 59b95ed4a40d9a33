"""Writes that must happen together, in one unit of work: a statement and the session it came with."""

from proxy.provisioning.model import Entry, Statement
from proxy.session.codec import KeyRing
from proxy.session.model import Session, SessionKey
from proxy.session.store import Lease
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.entry_writes import note_statement
from proxy.storage.redis.outbox_keys import OutboxKeys
from proxy.storage.redis.sessions import create_session, save_session
from proxy.storage.redis.work import Work


class RedisJoint:
    """Meets the gate's `JointStore`."""

    def __init__(self, engine: RedisEngine, ring: KeyRing) -> None:
        self._engine = engine
        self._keys = OutboxKeys(prefix=engine.keys.prefix)
        self._ring = ring

    async def note_and_save(
        self, statement: Statement, session: Session, *, lease: Lease, now: float
    ) -> Entry | None:
        """None, and nothing written, when the lease was lost, the session ended or another write came first."""

        async def unit(work: Work) -> Entry | None:
            if not await save_session(work, self._keys, self._ring, session, lease):
                return None
            return await note_statement(work, self._keys, statement, now)

        return await self._engine.write(unit)

    async def note_and_create(
        self, statement: Statement, session: Session, *, replaces: SessionKey | None, now: float
    ) -> Entry:
        async def unit(work: Work) -> Entry:
            await create_session(work, self._keys, self._ring, session, replaces)
            return await note_statement(work, self._keys, statement, now)

        return await self._engine.write(unit)
