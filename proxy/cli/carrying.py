"""Waits until what a command stated is carried out: by the running server's courier, or by one of the command's own."""

import asyncio
import time
from dataclasses import dataclass

from proxy.cli.desk import Desk, own_courier
from proxy.cli.store import now
from proxy.identity import Subject
from proxy.provisioning.model import Entry, EntryState

HEAD_START = 3.0
"""Seconds that a running server has before the command does the work itself; a claim keeps the two apart."""

POLL = 0.2
_CLAIM_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Where the entry stands after the waiting; None where nothing is left of it."""

    entry: Entry | None

    @property
    def is_settled(self) -> bool:
        return self.entry is None or self.entry.state is not EntryState.OPEN

    @property
    def word(self) -> str:
        """What an operator is told."""
        if self.entry is None:
            return "nothing is left to do"
        detail = (
            f" ({self.entry.reason}{': ' if self.entry.detail else ''}{self.entry.detail})"
            if self.entry.reason
            else ""
        )
        match self.entry.state:
            case EntryState.DONE:
                return "the app agrees"
            case EntryState.PARKED:
                return f"the app refused{detail}: see muster parked list"
            case EntryState.HELD:
                return f"held by the guard{detail}: see muster held list"
            case EntryState.DROPPED:
                return "left as it is: what the guard held was dropped (muster held list --dropped)"
            case EntryState.OPEN:
                return f"not carried out yet{detail}; it will be, by the server"


async def carried_out(desk: Desk, subject: Subject, *, seconds: float) -> Carried:
    """The outcome, after so many seconds at most; at once where no app is configured."""
    deadline = time.monotonic() + seconds
    own_turn = time.monotonic() + min(HEAD_START, seconds / 2)
    carried = Carried(entry=await desk.store.outbox.entry_of(subject))
    while not carried.is_settled and desk.settings.app is not None and time.monotonic() < deadline:
        if time.monotonic() >= own_turn and carried.entry is not None:
            await _carry(desk, carried.entry)
        await asyncio.sleep(POLL)
        carried = Carried(entry=await desk.store.outbox.entry_of(subject))
    return carried


async def ruling_heard(desk: Desk, *, seconds: float) -> bool:
    """Whether a running server carried the newest ruling, after so many seconds at most."""
    version = await desk.store.rulings.version()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await desk.store.rulings.carried() >= version:
            return True
        await asyncio.sleep(POLL)
    return False


async def _carry(desk: Desk, entry: Entry) -> None:
    """One visit, unless somebody else has the entry or it must wait."""
    if entry.next_attempt_at > now():
        return
    claim = await desk.store.outbox.claim(holder="cli", now=now(), seconds=_CLAIM_SECONDS, entry_id=entry.id)
    if claim is not None:
        async with own_courier(desk) as courier:
            await courier.visit(claim)
