"""What is done again and again beside the requests: changes heard, limits kept, figures brought up to date.

Every round survives a store that is away and a bug of ours: the first is waited out, the second goes to the log; the next
turn comes all the same. Early renewals stand in `early.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy.errors import Unavailable
from proxy.gate.cache import SessionCache
from proxy.provisioning.holding import held_scopes
from proxy.provisioning.outbox import GuardLedger, Outbox
from proxy.reasons import Reason
from proxy.session.model import Session, SessionKey
from proxy.session.policy import RefreshRules
from proxy.session.store import Change, SessionStore
from proxy.telemetry.telemetry import Telemetry

EVERYTHING = SessionKey("")
UNUSED_SECONDS = 600.0
HEARING_SECONDS = 1.0
"""How long the store may take to tell what changed; a connection that is half open shows itself by then."""
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
        was_away = False
        while True:
            was_away = await self._turn(one, was_away)
            await asyncio.sleep(one.seconds)

    async def _turn(self, one: Round, was_away: bool) -> bool:
        """Whether the store was away; said once, when it goes."""
        try:
            await one.work()
        except Unavailable as away:
            if not was_away:
                self._telemetry.log.warning("round", name=one.name, what=away.reason)
            return True
        except Exception as error:
            self._telemetry.report(error)
        return False


class ChangeChannel:
    """Hears what happened to sessions anywhere, and is the proof that it would have heard (Decision 3)."""

    def __init__(
        self,
        store: SessionStore,
        cache: SessionCache,
        *,
        end_session: Callable[[SessionKey], None],
        in_flight: Callable[[], frozenset[SessionKey]],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._cache = cache
        self._end_session = end_session
        self._in_flight = in_flight
        self._clock = clock
        self._after: int | None = None

    async def listen(self) -> None:
        """Apply what came since the last call. The proof is as old as the question, not as the answer.

        A change counts as heard once it was carried out whole: after a failure on the way it is told again. Raises
        Unavailable when the store does not tell in time; the cache knows then that it is away.
        """
        asked_at = self._clock()
        newest, changes = await self._heard()
        for change in changes:
            if change.key == EVERYTHING:
                await self._look_at_everything()
            else:
                self._cache.drop(change.key)
            if change.has_ended:
                self._end_session(change.key)
        self._after = newest
        self._cache.is_away = False
        self._cache.proved_at = asked_at

    async def _heard(self) -> tuple[int, tuple[Change, ...]]:
        try:
            async with asyncio.timeout(HEARING_SECONDS):
                if self._after is None:
                    self._after = await self._store.latest_change()
                    self._cache.clear()
                return await self._store.changes(self._after)
        except TimeoutError as error:
            self._cache.is_away = True
            raise Unavailable(f"the store did not tell within {HEARING_SECONDS:g} s what changed") from error
        except Unavailable:
            self._cache.is_away = True
            raise

    async def _look_at_everything(self) -> None:
        """Something was missed: hold nothing, and end the streams of sessions that are gone."""
        self._cache.clear()
        for key in self._in_flight():
            if await self._store.load(key) is None:
                self._end_session(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """The slow rounds: last seen, limits, figures."""

    sessions: SessionStore
    cache: SessionCache
    outbox: Outbox
    ledger: GuardLedger
    rules: RefreshRules
    telemetry: Telemetry
    in_flight: Callable[[], frozenset[SessionKey]]
    clock: Callable[[], float]

    async def flush_seen(self) -> None:
        """Write when sessions were last seen, and let go of those unused for long. A running stream is use."""
        now = self.clock()
        seen = {**self.cache.seen(), **dict.fromkeys(self.in_flight(), now)}
        if seen:
            await self.sessions.touch(seen)
        self.cache.prune(now - UNUSED_SECONDS)

    async def end_old(self) -> None:
        """End sessions past their idle or absolute limit; nobody comes for most of them."""
        now = self.clock()
        idle = await self.sessions.last_used_before(now - self.rules.idle, BATCH)
        await self._end(idle, Reason.IDLE_TOO_LONG, now)
        old = await self.sessions.created_before(now - self.rules.absolute, BATCH)
        await self._end(old, Reason.TOO_OLD, now)

    async def _end(self, sessions: tuple[Session, ...], reason: Reason, now: float) -> None:
        if sessions:
            await self.sessions.end([session.key for session in sessions], reason, now)
            self.telemetry.metrics.session_ended(reason, len(sessions))

    async def measure(self) -> None:
        """Bring the gauges up to date."""
        figures = await self.outbox.figures(self.clock())
        self.telemetry.metrics.outbox(
            opened=figures.open,
            parked=figures.parked,
            held=figures.held,
            oldest_age=figures.oldest_open_age,
        )
        self.telemetry.metrics.guard_latched(await held_scopes(self.ledger))
