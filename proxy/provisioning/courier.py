"""The courier: brings the app to agree with what should be.

    Claim what is due, as much as there are slots for.
    Visit each, the claim renewed while the visit lasts.
    Sleep until woken, or for a second.
    On stopping, let visits finish, or give their claims back.

Two lanes: the background's slots and a reserved lane, whose slots bulk work cannot take, for people who are signing in.
Somebody who arrives while their entry is being carried out waits for that visit instead of beginning another.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from proxy.errors import Unavailable
from proxy.identity import Subject
from proxy.provisioning.app_admin import AppAdmin
from proxy.provisioning.app_view import AppView
from proxy.provisioning.audit import Audit
from proxy.provisioning.claim_keeper import keep_claim
from proxy.provisioning.kit import Journal, Kit, Tell, Visited
from proxy.provisioning.leases import NamedLeases
from proxy.provisioning.model import Entry, EntryState
from proxy.provisioning.outbox import Bindings, Claim, GuardLedger, Outbox, SharedCounters
from proxy.provisioning.retry import backoff
from proxy.provisioning.rules import CourierRules
from proxy.provisioning.visit import Visit
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, AccountState, Pending, Ready

_LOOK_AGAIN = 0.05
"""Seconds between looks at an entry that another process carries out."""

_LONGEST_WAIT = 60.0
"""Seconds for which an app that asks to be left alone is left alone by the background; more would break semantics §9.2."""


def _no_checkpoint(name: str) -> None:
    """What a checkpoint does outside of tests."""


class Courier:
    """Carries entries out. `holder` names this process in claims; `clock` gives epoch seconds, `entropy` random bytes."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        bindings: Bindings,
        ledger: GuardLedger,
        counters: SharedCounters,
        leases: NamedLeases,
        app: AppAdmin,
        rules: CourierRules,
        tell: Tell,
        audit: Audit,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        holder: str,
        checkpoint: Callable[[str], None] = _no_checkpoint,
    ) -> None:
        self._kit = Kit(
            outbox=outbox,
            bindings=bindings,
            ledger=ledger,
            counters=counters,
            app=app,
            view=AppView(app, rules.groups, clock),
            rules=rules,
            tell=tell,
            audit=audit,
            clock=clock,
            entropy=entropy,
            leases=leases,
            holder=holder,
            checkpoint=checkpoint,
        )
        self._holder = holder
        self._bulk = asyncio.Semaphore(rules.bulk_slots)
        self._reserved = asyncio.Semaphore(rules.reserved_slots)
        self._visits: dict[int, asyncio.Task[Visited | None]] = {}
        self._tasks: set[asyncio.Task[Visited | None]] = set()
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._quiet_until = 0.0
        self._going: dict[object, CourierRules] = {}

    @property
    def kit(self) -> Kit:
        """What its visits work with now."""
        return self._kit

    @property
    def rules(self) -> CourierRules:
        """What it goes by now."""
        return self._kit.rules

    @property
    def has_adopted(self) -> bool:
        """Whether no visit goes on by rules that were replaced."""
        return all(rules is self._kit.rules for rules in self._going.values())

    def adopt(self, rules: CourierRules) -> None:
        """Go by these rules. Visits that run already end by the old ones, and what they settled is then opened again."""
        view = AppView(self._kit.app, rules.groups, self._kit.clock)
        self._kit = replace(self._kit, rules=rules, view=view)

    @property
    def is_provisioning_on(self) -> bool:
        return self._kit.rules.is_provisioning_on

    def switch_provisioning(self, is_on: bool) -> None:
        """The run-time switch of semantics §4.5."""
        self.adopt(replace(self._kit.rules, is_provisioning_on=is_on))

    def wake(self) -> None:
        """Something new is in the outbox."""
        self._woken.set()

    async def run(self) -> None:
        """Until stopped; a store that does not answer is asked again at the next round."""
        while not self._is_stopping:
            self._woken.clear()
            with suppress(Unavailable):
                await self._fill()
            await self._sleep()

    async def stop(self, *, seconds: float = 10.0) -> None:
        """Take nothing new; let visits finish for so long, then give their claims back."""
        self._is_stopping = True
        self.wake()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def visit(self, claim: Claim) -> Visited:
        """Carry one claimed entry out, the claim renewed meanwhile. Raises Unavailable when the store does not answer."""
        kit, mark = self._kit, object()
        self._going[mark] = kit.rules
        try:
            visited = await keep_claim(kit, claim, Visit(kit, claim).run())
            if visited.state is EntryState.DONE and kit.rules is not self._kit.rules:
                await kit.outbox.reopen(claim.entry.id, EntryState.DONE, kit.clock())
        finally:
            del self._going[mark]
        if visited.wait:
            self._quiet_until = max(self._quiet_until, kit.clock() + min(visited.wait, _LONGEST_WAIT))
        return visited

    async def visit_now(self, subject: Subject, *, seconds: float = 5.0) -> AccountState:
        """For somebody signing in: visit the app inline, in the reserved lane, for at most so long.

        When time is over the visit goes on in the background: a bound member is ready with what was last applied, and
        anybody else pending. The sessions are told the same. Raises Unavailable when the store does not answer.
        """
        try:
            async with asyncio.timeout(seconds):
                account = await self._arrive(subject)
        except TimeoutError:
            account = await self._meanwhile(subject)
        await self._kit.tell(subject, account)
        return account

    async def _arrive(self, subject: Subject) -> AccountState:
        """The state after a visit that knew of everything noted before this call."""
        wanted: int | None = None
        while (entry := await self._kit.outbox.entry_of(subject)) is not None:
            if entry.state in (EntryState.DONE, EntryState.PARKED) and wanted is None:
                await self._kit.outbox.reopen(entry.id, entry.state, self._kit.clock())
            elif entry.state is not EntryState.OPEN:
                break
            wanted = entry.version if wanted is None else wanted
            visited = await asyncio.shield(self._visits.get(entry.id) or self._begin(entry))
            if visited is not None and not visited.is_lost and visited.version >= wanted:
                return visited.account
            await asyncio.sleep(0 if visited is not None else _LOOK_AGAIN)
        return await self._settled(subject, entry)

    def _begin(self, entry: Entry) -> asyncio.Task[Visited | None]:
        return self._spawn(entry.id, self._reserved_visit(entry.id))

    async def _reserved_visit(self, entry_id: int) -> Visited | None:
        """None when the entry is somebody else's just now, or no longer open."""
        async with self._reserved:
            claim = await self._claim(entry_id)
            return None if claim is None else await self._visit_safely(claim)

    async def _claim(self, entry_id: int | None) -> Claim | None:
        return await self._kit.outbox.claim(
            holder=self._holder,
            now=self._kit.clock(),
            seconds=self._kit.rules.claim_seconds,
            entry_id=entry_id,
        )

    async def _visit_safely(self, claim: Claim) -> Visited:
        """One person's trouble, even a mistake of ours, is theirs alone; a cancelled visit gives its claim back."""
        try:
            return await self.visit(claim)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(claim, Reason.SHUTTING_DOWN, "", at=self._kit.clock()))
            raise
        except Unavailable:
            raise
        except Exception as fault:
            detail = f"a mistake of ours: {type(fault).__name__}"
            after = max(5.0, backoff(claim.entry.attempts, self._kit.entropy(4)))
            await self._give_back(claim, Reason.INTERNAL_ERROR, detail, at=self._kit.clock() + after)
            return Visited(
                account=await self._meanwhile(claim.entry.statements[0].subject),
                state=EntryState.OPEN,
                version=claim.entry.version,
                reason=Reason.INTERNAL_ERROR,
                detail=detail,
            )

    async def _give_back(self, claim: Claim, reason: Reason, detail: str, *, at: float) -> None:
        journal = Journal(self._kit, claim.entry.statements[0].subject, claim.entry.account_id)
        journal.write("retry", reason, outcome=detail or "given back")
        await self._kit.outbox.retry(claim, at=at, reason=reason, detail=detail)

    async def _settled(self, subject: Subject, entry: Entry | None) -> AccountState:
        """What is so without a visit: held back by the guard, carried out elsewhere, or nothing asked for."""
        account = await self._meanwhile(subject)
        if isinstance(account, Pending):
            reason = entry.reason if entry is not None and entry.reason is not None else Reason.NOT_INVITED
            account = AccountRefused(reason=reason)
        return account

    async def _meanwhile(self, subject: Subject) -> AccountState:
        binding = await self._kit.bindings.binding_of(subject)
        if binding is None or binding.is_blocked:
            return Pending()
        return Ready(login=binding.login, account_id=binding.account_id)

    async def _fill(self) -> None:
        while not self._is_stopping and not self._bulk.locked() and self._kit.clock() >= self._quiet_until:
            claim = await self._claim(None)
            if claim is None:
                return
            await self._bulk.acquire()
            self._spawn(claim.entry.id, self._bulk_visit(claim))

    async def _bulk_visit(self, claim: Claim) -> Visited | None:
        try:
            return await self._visit_safely(claim)
        finally:
            self._bulk.release()
            self.wake()

    def _spawn(
        self, entry_id: int, work: Coroutine[Any, Any, Visited | None]
    ) -> asyncio.Task[Visited | None]:
        task = asyncio.create_task(work)
        self._visits[entry_id] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(entry_id, done))
        return task

    def _ended(self, entry_id: int, task: asyncio.Task[Visited | None]) -> None:
        """A store that did not answer has been reported to whoever waits; the claim runs out by itself."""
        self._tasks.discard(task)
        if self._visits.get(entry_id) is task:
            del self._visits[entry_id]
        if not task.cancelled():
            task.exception()

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(self._kit.rules.poll):
                await self._woken.wait()
        except TimeoutError:
            return
