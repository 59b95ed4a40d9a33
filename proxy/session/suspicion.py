"""Carries out `ask_again_archives`: a person whose refresh token was refused without a reason, and who did not come back.

For each timer that fired: ask the person's other sessions first. Any that is refreshed cancels it; one that finds the IdP in
trouble postpones it; only then is the removal stated (semantics §5.3).
"""

from collections.abc import Callable
from enum import Enum, unique

from proxy.errors import Unavailable
from proxy.reasons import Reason
from proxy.session.keeper import Arrival, Keeper, Witness
from proxy.session.model import Session
from proxy.session.store import SessionStore, Suspicion

BATCH = 50


@unique
class Finding(Enum):
    """What became of one fired timer."""

    CANCELLED = "cancelled"
    POSTPONED = "postponed"
    REMOVED = "removed"


class Suspicions:
    """Looks at fired timers; `look` is called about once a second."""

    def __init__(
        self,
        store: SessionStore,
        keeper: Keeper,
        arrival: Arrival,
        witness: Witness,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._arrival = arrival
        self._witness = witness
        self._clock = clock

    async def look(self) -> tuple[Finding, ...]:
        """Carry out every timer that fired; raises Unavailable when the store is away."""
        fired = await self._store.fired(self._clock(), BATCH)
        return tuple([await self._judge(suspicion) for suspicion in fired])

    async def _judge(self, suspicion: Suspicion) -> Finding:
        others = await self._store.of_subject(suspicion.subject)
        answers = [await self._ask(session, suspicion) for session in others]
        if Finding.CANCELLED in answers:
            if await self._store.clear_suspicion(suspicion.subject):
                self._witness.cleared(suspicion.subject)
            return Finding.CANCELLED
        if Finding.POSTPONED in answers:
            return Finding.POSTPONED
        await self._remove(suspicion)
        return Finding.REMOVED

    async def _ask(self, session: Session, suspicion: Suspicion) -> Finding:
        if session.refreshed_at > suspicion.started_at:
            return Finding.CANCELLED
        try:
            after = await self._keeper.renew(session.key, is_forced=True)
        except Unavailable:
            return Finding.POSTPONED
        if after is None:
            return Finding.REMOVED
        if after.refreshed_at > session.refreshed_at:
            return Finding.CANCELLED
        return Finding.POSTPONED if after.trouble is not None else Finding.REMOVED

    async def _remove(self, suspicion: Suspicion) -> None:
        now = self._clock()
        await self._arrival.removed(
            suspicion.subject, suspicion.idp, Reason.TIMER_FIRED, marker="", at=now, now=now
        )
        await self._store.clear_suspicion(suspicion.subject)
