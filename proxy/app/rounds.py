"""What is done again and again beside the requests: changes heard, early renewals, fired timers, flushing, cleaning.

Every round survives a store that is away and a bug of ours: the first is waited out, the second goes to the log; the next
turn comes all the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy.errors import Unavailable
from proxy.gate.cache import SessionCache
from proxy.provisioning.outbox import GuardLedger, Outbox
from proxy.reasons import Reason
from proxy.session.keeper import Keeper
from proxy.session.model import SessionKey
from proxy.session.policy import RefreshRules
from proxy.session.store import SessionStore
from proxy.telemetry.telemetry import Telemetry

EVERYTHING = SessionKey("")
IN_USE_SECONDS = 300.0
UNUSED_SECONDS = 600.0
RENEWALS_AT_ONCE = 16
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """`work` is called, then `seconds` pass, until the program ends."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[object]]


class Rounds:
    """Runs rounds as tasks."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, rounds: list[Round]) -> None:
        self._tasks += [asyncio.create_task(self._go(one), name=one.name) for one in rounds]

    async def stop(self) -> None:
        """Cancel them all and wait."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _go(self, one: Round) -> None:
        while True:
            try:
                await one.work()
            except Unavailable as away:
                self._telemetry.log.warning("round", name=one.name, what=away.reason)
            except Exception as error:
                self._telemetry.report(error)
            await asyncio.sleep(one.seconds)


class ChangeChannel:
    """Hears what happened to sessions anywhere, and is the proof that it would have heard (Decision 3)."""

    def __init__(
        self,
        store: SessionStore,
        cache: SessionCache,
        *,
        end_session: Callable[[SessionKey], None],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._cache = cache
        self._end_session = end_session
        self._clock = clock
        self._after: int | None = None

    async def listen(self) -> None:
        """Apply what came since the last call. The proof is as old as the question, not as the answer."""
        asked_at = self._clock()
        if self._after is None:
            self._after = await self._store.latest_change()
            self._cache.clear()
        self._after, changes = await self._store.changes(self._after)
        for change in changes:
            if change.key == EVERYTHING:
                self._cache.clear()
            else:
                self._cache.drop(change.key)
            if change.has_ended:
                self._end_session(change.key)
        self._cache.proved_at = asked_at


class EarlyRenewals:
    """Renews sessions in use before they are due, off the request path (semantics §5.1)."""

    def __init__(
        self,
        cache: SessionCache,
        keeper: Keeper,
        *,
        in_flight: Callable[[], frozenset[SessionKey]],
        clock: Callable[[], float],
    ) -> None:
        self._cache = cache
        self._keeper = keeper
        self._in_flight = in_flight
        self._clock = clock
        self._slots = asyncio.Semaphore(RENEWALS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def look(self) -> None:
        """Start what is due. A running stream counts as use."""
        now = self._clock()
        for key in self._in_flight():
            entry = self._cache.of_key(key)
            if entry is not None:
                entry.seen_at = now
        for key in self._cache.in_use_and_early(now, seen_since=now - IN_USE_SECONDS):
            if not self._keeper.is_renewing(key):
                task = asyncio.create_task(self._renew(key), name=f"early {key[:8]}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Wait for what was started."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _renew(self, key: SessionKey) -> None:
        async with self._slots:
            try:
                await self._keeper.renew(key)
            except Unavailable:
                return
            self._cache.drop(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """The slow rounds: last seen, limits, figures, cleaning."""

    sessions: SessionStore
    cache: SessionCache
    outbox: Outbox
    ledger: GuardLedger
    rules: RefreshRules
    telemetry: Telemetry
    clock: Callable[[], float]

    async def flush_seen(self) -> None:
        """Write when sessions were last seen, and let go of those unused for long."""
        seen = self.cache.seen()
        if seen:
            await self.sessions.touch(seen)
        self.cache.prune(self.clock() - UNUSED_SECONDS)

    async def end_old(self) -> None:
        """End sessions past their idle or absolute limit; nobody comes for most of them."""
        now = self.clock()
        idle = await self.sessions.last_used_before(now - self.rules.idle, BATCH)
        await self.sessions.end([session.key for session in idle], Reason.IDLE_TOO_LONG, now)
        old = await self.sessions.created_before(now - self.rules.absolute, BATCH)
        await self.sessions.end([session.key for session in old], Reason.TOO_OLD, now)

    async def measure(self) -> None:
        """Bring the gauges up to date."""
        figures = await self.outbox.figures(self.clock())
        self.telemetry.metrics.outbox(
            opened=figures.open,
            parked=figures.parked,
            held=figures.held,
            oldest_age=figures.oldest_open_age,
        )
        self.telemetry.metrics.guard_latched(await self.ledger.latched())
