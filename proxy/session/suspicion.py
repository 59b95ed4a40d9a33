"""Carries out `ask_again_archives`: a person whose refresh token was refused without a reason, and who did not come back.

For each timer that fired, the directory is asked first, then the person's other sessions (semantics §5.3):

| the directory says                      | another session                                  | then                              |
|-----------------------------------------|--------------------------------------------------|-----------------------------------|
| active                                  | not asked                                        | the timer is cancelled            |
| suspended, gone                         | not asked                                        | removed, with its reason          |
| unknown: in trouble, misconfigured      | refreshed                                        | the timer is cancelled            |
| unknown: in trouble, misconfigured      | anything else, or none                           | postponed                         |
| unknown: not covered; or no directory   | refreshed                                        | the timer is cancelled            |
| unknown: not covered; or no directory   | finds the IdP in trouble                         | postponed                         |
| unknown: not covered; or no directory   | refused, ended, or none                          | removed, by the timer             |

A directory that cannot answer postpones for as long as it cannot: its outage, or our rotated secret, archives nobody. A postponed
timer is looked at again after half a minute.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from typing import Protocol, TypeAlias

from proxy.errors import Unavailable
from proxy.reasons import Reason
from proxy.session.keeper import Arrival, Keeper, Witness
from proxy.session.model import Session
from proxy.session.store import SessionStore, Suspicion

BATCH = 50
POSTPONED_SECONDS = 30.0


@unique
class Finding(Enum):
    """What became of one fired timer."""

    CANCELLED = "cancelled"
    POSTPONED = "postponed"
    REMOVED = "removed"


@unique
class Word(Enum):
    """What a directory says that removes nobody. SILENT: it could not answer; NONE: it cannot know this person."""

    VOUCHED = "vouched"
    SILENT = "silent"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The directory's own word that the person was suspended or is gone."""

    reason: Reason
    marker: str


DirectoryWord: TypeAlias = Word | Left


class AskDirectory(Protocol):
    """The directory of the suspicion's IdP, if it has one. Never raises but Unavailable (our own store)."""

    async def __call__(self, suspicion: Suspicion, sessions: tuple[Session, ...]) -> DirectoryWord: ...


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
        directory: AskDirectory | None = None,
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._arrival = arrival
        self._witness = witness
        self._clock = clock
        self._directory = directory
        self._postponed: dict[Suspicion, float] = {}

    async def look(self) -> tuple[Finding, ...]:
        """Carry out every timer that fired; raises Unavailable when the store is away."""
        now = self._clock()
        self._postponed = {one: until for one, until in self._postponed.items() if now < until}
        # Postponed ones stay fired: they must not crowd the others out of the batch.
        fired = await self._store.fired(now, BATCH + len(self._postponed))
        return tuple([await self._judge(one) for one in fired if one not in self._postponed])

    async def _judge(self, suspicion: Suspicion) -> Finding:
        asked_at = self._clock()
        sessions = await self._store.of_subject(suspicion.subject)
        word = Word.NONE if self._directory is None else await self._directory(suspicion, sessions)
        if isinstance(word, Left):
            return await self._remove(suspicion, word, asked_at)
        if word is Word.VOUCHED:
            return await self._cancel(suspicion)
        answers = [await self._ask(session, suspicion) for session in sessions]
        if Finding.CANCELLED in answers:
            return await self._cancel(suspicion)
        if Finding.POSTPONED in answers or word is Word.SILENT:
            self._postponed[suspicion] = self._clock() + POSTPONED_SECONDS
            return Finding.POSTPONED
        return await self._remove(suspicion, Left(reason=Reason.TIMER_FIRED, marker=""), asked_at)

    async def _ask(self, session: Session, suspicion: Suspicion) -> Finding:
        if session.refreshed_at > suspicion.started_at:
            return Finding.CANCELLED
        try:
            after = await self._keeper.renew(session.key, is_forced=True)
        except Unavailable:
            return Finding.POSTPONED
        if after is None or after.tokens.refresh_token is None:
            return Finding.REMOVED  # refused as well, or nothing left to ask with
        return Finding.CANCELLED if after.refreshed_at > session.refreshed_at else Finding.POSTPONED

    async def _cancel(self, suspicion: Suspicion) -> Finding:
        if await self._store.clear_suspicion(suspicion.subject):
            self._witness.cleared(suspicion.subject)
        return Finding.CANCELLED

    async def _remove(self, suspicion: Suspicion, left: Left, asked_at: float) -> Finding:
        """Dated by the question, in whole seconds like an `iat`: somebody who signed in while it was asked, or in the same
        second, said something newer."""
        await self._arrival.removed(
            suspicion.subject,
            suspicion.idp,
            left.reason,
            marker=left.marker,
            at=float(math.floor(asked_at)),
            now=self._clock(),
        )
        await self._store.clear_suspicion(suspicion.subject)
        return Finding.REMOVED
