"""What stands around a keeper: an arrival that writes into the store, and a witness that remembers."""

from proxy.identity import Identity, IdpId, Subject
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.model import RefreshOutcome, Session
from proxy.session.store import Lease, Suspicion
from tests.fakes.session_store import DictSessions


class FakeArrival:
    """Writes renewed sessions into the store; ends a removed person's."""

    def __init__(self, store: DictSessions) -> None:
        self.store = store

    async def renewed(self, session: Session, identity: Identity, *, lease: Lease, now: float) -> bool:
        return await self.store.save(session, lease=lease)

    async def removed(
        self, subject: Subject, idp: IdpId, reason: Reason, *, marker: str, at: float, now: float
    ) -> None:
        await self.store.end_subject(subject, reason, now)


class FakeWitness:
    """Remembers what it hears, in words."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def refreshed(self, session: Session, outcome: RefreshOutcome, aftermath: policy.Aftermath) -> None:
        self.seen.append(type(outcome).__name__)

    def suspected(self, suspicion: Suspicion, *, is_storm: bool) -> None:
        self.seen.append("suspected")

    def cleared(self, subject: Subject) -> None:
        self.seen.append("cleared")
