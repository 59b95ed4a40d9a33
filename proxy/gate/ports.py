"""What the gate asks of its neighbours, as Protocols they meet structurally."""

from typing import Protocol

from proxy.provisioning.model import Entry, Statement
from proxy.session.model import Session, SessionKey
from proxy.session.store import Lease


class JointStore(Protocol):
    """Writes that must happen together: neither a statement nor its session is lost for want of the other."""

    async def note_and_save(
        self, statement: Statement, session: Session, *, lease: Lease, now: float
    ) -> Entry | None:
        """Outbox and session in one transaction (or outbox first). None when the lease was lost: nothing is written then."""

    async def note_and_create(
        self, statement: Statement, session: Session, *, replaces: SessionKey | None, now: float
    ) -> Entry:
        """Outbox, then the new session, in one transaction."""
