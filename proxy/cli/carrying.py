"""Waits until what a command stated is carried out: by the running server's courier, or by one of the command's own."""

import asyncio
import time
from dataclasses import dataclass, replace

from proxy.cli.desk import Desk, own_admin, own_courier
from proxy.cli.store import now
from proxy.identity import Subject
from proxy.provisioning.app_view import AppView
from proxy.provisioning.model import Because, Entry, EntryState
from proxy.provisioning.preview import Preview, Previewed

HEAD_START = 3.0
"""Seconds that a running server has before the command does the work itself; a claim keeps the two apart."""

POLL = 0.2
_CLAIM_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Where the entry stands after the waiting; None where nothing is left. `left_alone` is why an account is not archived."""

    entry: Entry | None
    left_alone: Because | None = None

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
            case EntryState.DONE if self.left_alone is not None:
                return f"not archived, left as it is: {self.left_alone.cause} ({self.left_alone.reason})"
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
    return replace(carried, left_alone=await _left_alone(desk, subject, carried.entry))


async def _left_alone(desk: Desk, subject: Subject, entry: Entry | None) -> Because | None:
    """Why an account that should be archived is not, by a look at the app; None where it is, or the app does not answer."""
    binding = await desk.store.bindings.binding_of(subject)
    if desk.settings.app is None or entry is None or entry.state is not EntryState.DONE or binding is None:
        return None
    async with own_admin(desk) as (app, rules):
        view = AppView(app, rules.groups, now)
        preview = Preview(app=app, view=view, bindings=desk.store.bindings, rules=rules)
        found = await preview.of(entry, binding)
    notes = found.plan.notes if isinstance(found, Previewed) else ()
    return next((note for note in notes if note.about == "archive"), None)


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
