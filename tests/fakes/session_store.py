"""A session store in a dict, with switches for faults: the rules of the port without an engine."""

from collections.abc import Iterable
from dataclasses import replace

from proxy.errors import Unavailable
from proxy.identity import IdpId, Subject
from proxy.reasons import Reason
from proxy.session.model import AccountState, Session, SessionKey
from proxy.session.store import Change, Lease, Suspicion


class DictSessions:
    """`down` makes every call raise Unavailable; `fail_next` names methods that raise once."""

    def __init__(self) -> None:
        self.sessions: dict[SessionKey, Session] = {}
        self.leases: dict[SessionKey, Lease] = {}
        self.timers: dict[Subject, Suspicion] = {}
        self.started: list[Suspicion] = []
        self.frozen: dict[IdpId, float] = {}
        self.ended: list[tuple[SessionKey, Reason]] = []
        self.log: list[Change] = []
        self.attempts: set[str] = set()
        self.remembered: list[float] = []
        self.down = False
        self.fail_next: list[str] = []
        self.loads = 0
        self._fence = 0

    def _enter(self, method: str) -> None:
        if self.down or method in self.fail_next:
            if method in self.fail_next:
                self.fail_next.remove(method)
            raise Unavailable("the store is away")

    async def load(self, key: SessionKey) -> Session | None:
        self._enter("load")
        self.loads += 1
        return self.sessions.get(key)

    async def create(self, session: Session, *, replaces: SessionKey | None = None) -> None:
        self._enter("create")
        self.sessions[session.key] = session
        if replaces is not None:
            await self.end([replaces], Reason.REPLACED, session.created_at)

    async def save(self, session: Session, *, lease: Lease) -> bool:
        self._enter("save")
        current = self.sessions.get(session.key)
        held = self.leases.get(session.key)
        if current is None or held is None or held.fence != lease.fence:
            return False
        if session.version != current.version + 1:
            return False
        self.sessions[session.key] = session
        self.log.append(Change(key=session.key, has_ended=False))
        return True

    async def end(self, keys: Iterable[SessionKey], reason: Reason, now: float) -> None:
        self._enter("end")
        for key in keys:
            if self.sessions.pop(key, None) is not None:
                self.ended.append((key, reason))
                self.log.append(Change(key=key, has_ended=True))

    async def end_subject(self, subject: Subject, reason: Reason, now: float) -> tuple[SessionKey, ...]:
        self._enter("end_subject")
        keys = tuple(s.key for s in self.sessions.values() if s.subject == subject)
        await self.end(keys, reason, now)
        return keys

    async def end_idp_session(
        self, idp: IdpId, sid: str, subject: Subject | None, reason: Reason, now: float
    ) -> tuple[SessionKey, ...]:
        self._enter("end_idp_session")
        keys = tuple(
            s.key
            for s in self.sessions.values()
            if s.idp == idp and s.idp_session == sid and subject in (None, s.subject)
        )
        await self.end(keys, reason, now)
        return keys

    async def reseal(self, limit: int) -> int:
        """Nothing is sealed here."""
        self._enter("reseal")
        return 0

    async def of_subject(self, subject: Subject) -> tuple[Session, ...]:
        self._enter("of_subject")
        return tuple(s for s in self.sessions.values() if s.subject == subject)

    async def count(self, idp: IdpId) -> int:
        return sum(s.idp == idp for s in self.sessions.values())

    async def set_account(self, subject: Subject, account: AccountState) -> None:
        self._enter("set_account")
        for session in await self.of_subject(subject):
            self.sessions[session.key] = replace(session, account=account, version=session.version + 1)
            self.log.append(Change(key=session.key, has_ended=False))

    async def touch(self, seen: dict[SessionKey, float]) -> None:
        self._enter("touch")
        for key, at in seen.items():
            session = self.sessions.get(key)
            if session is not None and at > session.last_seen_at:
                self.sessions[key] = replace(session, last_seen_at=at)

    async def mark_spent(self, session: Session, *, lease: Lease) -> bool:
        self._enter("mark_spent")
        return await self.save(session, lease=lease)

    async def acquire(self, key: SessionKey, *, holder: str, now: float, seconds: float) -> Lease | None:
        self._enter("acquire")
        held = self.leases.get(key)
        if held is not None and held.until > now and held.holder != holder:
            return None
        self._fence += 1
        self.leases[key] = Lease(key=key, holder=holder, fence=self._fence, until=now + seconds)
        return self.leases[key]

    async def renew(self, lease: Lease, *, now: float, seconds: float) -> Lease | None:
        self._enter("renew")
        held = self.leases.get(lease.key)
        if held is None or held.fence != lease.fence:
            return None
        self.leases[lease.key] = replace(lease, until=now + seconds)
        return self.leases[lease.key]

    async def release(self, lease: Lease) -> None:
        self._enter("release")
        held = self.leases.get(lease.key)
        if held is not None and held.fence == lease.fence:
            del self.leases[lease.key]

    async def due(
        self, *, before: float, seen_since: float, now: float, limit: int
    ) -> tuple[SessionKey, ...]:
        return tuple(s.key for s in self.sessions.values() if s.due_at < before)[:limit]

    async def last_used_before(self, cutoff: float, limit: int) -> tuple[Session, ...]:
        return tuple(s for s in self.sessions.values() if s.last_seen_at < cutoff)[:limit]

    async def created_before(self, cutoff: float, limit: int) -> tuple[Session, ...]:
        return tuple(s for s in self.sessions.values() if s.created_at < cutoff)[:limit]

    async def spend_attempt(self, state_hash: str, *, now: float, seconds: float) -> bool:
        self._enter("spend_attempt")
        is_first = state_hash not in self.attempts
        self.attempts.add(state_hash)
        self.remembered.append(seconds)
        return is_first

    async def suspect(self, suspicion: Suspicion) -> bool:
        self._enter("suspect")
        if suspicion.subject in self.timers:
            return False
        self.timers[suspicion.subject] = suspicion
        self.started.append(suspicion)
        return True

    async def clear_suspicion(self, subject: Subject) -> bool:
        self._enter("clear_suspicion")
        return self.timers.pop(subject, None) is not None

    async def fired(self, now: float, limit: int) -> tuple[Suspicion, ...]:
        self._enter("fired")
        ready = (t for t in self.timers.values() if t.fires_at <= now)
        return tuple(t for t in ready if self.frozen.get(t.idp, 0.0) <= now)[:limit]

    async def suspicions_since(self, idp: IdpId, since: float) -> int:
        return sum(t.idp == idp and t.started_at >= since for t in self.started)

    async def freeze(self, idp: IdpId, until: float) -> None:
        self.frozen[idp] = until

    async def changes(self, after: int) -> tuple[int, tuple[Change, ...]]:
        self._enter("changes")
        return len(self.log), tuple(self.log[after:])

    async def latest_change(self) -> int:
        return len(self.log)

    async def ping(self) -> None:
        self._enter("ping")
