"""Brings what operators rule at run time into a running server (a round of half a second).

When the version grew: adopt the rules, so that whoever arrives is judged by them; forget rendered headers; shut out who is
denied now; and open the people it may concern again, so that the courier carries it into the app.

Whom it concerns: a deny entry only those it names, who go first. A change of links, or provisioning switched on, everybody:
each member costs at least one call to the app, in the background and behind whatever an IdP states meanwhile. The guard's
latch of a link that is no more ends, once no visit goes by the old rules. What was done
is written down last: after a crash in between it is done again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from proxy.app.effective import Effective
from proxy.gate.cache import SessionCache
from proxy.groups.evaluate import is_deny_listed
from proxy.groups.rules import JoinRules
from proxy.groups.stored import Ruled
from proxy.identity import Subject
from proxy.provisioning.courier import Courier
from proxy.provisioning.holding import end_unlinked
from proxy.provisioning.model import Entry, EntryState, Vouched
from proxy.provisioning.outbox import GuardLedger, Outbox
from proxy.provisioning.rulings import Rulings
from proxy.reasons import Reason
from proxy.session.store import SessionStore

EVERY: int = 1_000_000
_EVER: float = 1e12
"""Later than any time: everybody was last seen before."""


class Told(Protocol):
    """Who hears of it: audit and log."""

    def ruled(self, ruled: Ruled, opened: int) -> None: ...

    def shut_out(self, subject: Subject, ended: int) -> None: ...


@dataclass(slots=True, kw_only=True)
class RulingsWatch:
    """`courier` and the outbox's work are absent where no app is configured: then only headers and admission follow."""

    rulings: Rulings
    sessions: SessionStore
    outbox: Outbox
    ledger: GuardLedger
    effective: Effective
    courier: Courier | None
    cache: SessionCache
    told: Told
    clock: Callable[[], float]
    _carried: Ruled | None = None
    _denied: frozenset[str] = field(default=frozenset())
    _is_marked: bool = False
    _is_tidy: bool = False

    async def begin(self) -> None:
        """Adopt what is ruled before anybody is let in; to be called once. Raises Unavailable."""
        self._adopt(await self.rulings.ruled())

    async def look(self) -> None:
        """Carry on what came since the last look. Raises Unavailable; the next look then begins anew."""
        version = await self.rulings.version()
        if self._carried is None:
            await self._carry(await self.rulings.ruled(), is_new=await self.rulings.carried() != version)
        elif version != self._carried.version:
            await self._carry(await self.rulings.ruled(), is_new=True)
        if not self._is_tidy and self.courier is not None and self.courier.has_adopted:
            if await end_unlinked(self.effective.groups, self.outbox, self.ledger, self.clock()):
                self.courier.wake()
            self._is_tidy = True
        if not self._is_marked and (self.courier is None or self.courier.has_adopted):
            await self.rulings.mark_carried(self._carried.version if self._carried else 0)
            self._is_marked = True

    async def _carry(self, ruled: Ruled, *, is_new: bool) -> None:
        """In an order that can be begun anew after a store that went away in the middle."""
        if ruled != self.effective.ruled:
            self._adopt(ruled)
        await self._shut_out(self.effective.join)
        opened = 0
        if self.courier is not None:
            if is_new and _concerns_everybody(self._carried, ruled):
                opened = await self.outbox.reopen(None, EntryState.DONE, self.clock())
            self.courier.wake()
        if is_new:
            self.told.ruled(ruled, opened)
        self._carried, self._is_marked, self._is_tidy = ruled, not is_new, False

    def _adopt(self, ruled: Ruled) -> None:
        self.effective.adopt(ruled)
        if self.courier is not None:
            self.courier.adopt(self.effective.applied_to(self.courier.rules))
        self.cache.clear()

    async def _shut_out(self, join: JoinRules) -> None:
        """End the sessions of whoever is denied now, and have their accounts archived; nothing where nobody was added."""
        if not join.deny - self._denied:
            self._denied = join.deny
            return
        for subject in await denied_subjects(self.sessions, join):
            ended = await self.sessions.end_subject(subject, Reason.DENY_LISTED, self.clock())
            self.told.shut_out(subject, len(ended))
        if self.courier is not None:
            await open_denied(self.outbox, join, self.clock())
        self._denied = join.deny


def _concerns_everybody(before: Ruled | None, after: Ruled) -> bool:
    """Whether links changed or provisioning was switched on; after a restart nobody knows, so they may have."""
    if before is None or before.links != after.links:
        return True
    was_off = before.provisioning is not None and not before.provisioning.is_on
    return was_off and after.provisioning is not None and after.provisioning.is_on


async def denied_subjects(sessions: SessionStore, join: JoinRules) -> tuple[Subject, ...]:
    """People with a session whose identity is on the deny list."""
    everyone = await sessions.last_used_before(_EVER, EVERY)
    return tuple(sorted({one.subject for one in everyone if is_deny_listed(one.identity, join)}))


async def open_denied(outbox: Outbox, join: JoinRules, now: float) -> tuple[Entry, ...]:
    """Open the entries of people on the deny list again, wherever they stood; those that were opened."""
    found = [one for one in await outbox.entries(None, EVERY) if _is_denied(one, join)]
    return tuple([one for one in found if await outbox.reopen(one.id, one.state, now)])


def _is_denied(entry: Entry, join: JoinRules) -> bool:
    return any(
        isinstance(one.says, Vouched) and is_deny_listed(one.says.identity, join) for one in entry.statements
    )
