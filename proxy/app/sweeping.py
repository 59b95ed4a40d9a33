"""The sweep as a round: by one replica at a time, once in `sweep.every`, whoever's turn it is.

Two leases, both renewed while a sweep runs: `sweep`, which a command takes too, and `sweep turn`. When the sweep is done the turn
is kept for the rest of the interval, so that no replica begins another one before its time. Whoever dies in the middle is not
waited for: both run out within a minute, and another replica begins anew. A sweep that could not read the app gives both back.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from proxy.app.observers import Observers
from proxy.app.storing import Store
from proxy.errors import Unavailable
from proxy.gate.arrival import Arrivals
from proxy.identity import IdpId
from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.courier import Courier
from proxy.provisioning.directory import Directory
from proxy.provisioning.inactivity import Inactivity
from proxy.provisioning.leases import SWEEP, NamedLease, NamedLeases
from proxy.provisioning.report import Report, Tally
from proxy.provisioning.rules import SweepRules
from proxy.provisioning.sweep import Sweep
from proxy.provisioning.whole import Progress
from proxy.session.keeper import Keeper

TURN: Final = "sweep turn"
LEASE_SECONDS: Final = 60.0
RENEWED_EVERY: Final = 20.0
FIRST_AFTER: Final = 600.0
"""Seconds after the start before this process sweeps: a restart is no time for bulk work."""

TRIED_AGAIN_AFTER: Final = 900.0
"""Seconds until a sweep that could not read the app is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeSweep:
    """Everything a sweep does, in order: the inactive are asked about first, so that the courier archives them on the way."""

    sweep: Sweep
    inactivity: Inactivity
    inactive_after: float

    async def run(self, *, is_dry_run: bool, progress: Progress) -> Report | AppFault:
        tally = Tally()
        await self.inactivity.look(
            tally, inactive_after=self.inactive_after, is_dry_run=is_dry_run, progress=progress
        )
        return await self.sweep.everybody(is_dry_run=is_dry_run, progress=progress, tally=tally)


def whole_sweep(
    store: Store,
    courier: Courier,
    arrivals: Arrivals,
    directories: Mapping[IdpId, Directory],
    keeper: Keeper | None,
    rules: SweepRules,
) -> WholeSweep:
    """A sweep that the courier carries out; without a keeper no token is renewed."""
    return WholeSweep(
        sweep=Sweep(lambda: courier.kit, courier.wake),
        inactivity=Inactivity(
            bindings=store.bindings,
            outbox=store.outbox,
            sessions=store.sessions,
            arrival=arrivals,
            directories=directories,
            keeper=keeper,
            clock=time.time,
        ),
        inactive_after=rules.inactive_after,
    )


@asynccontextmanager
async def sweeping_alone(
    leases: NamedLeases, *, holder: str, clock: Callable[[], float]
) -> AsyncIterator[bool]:
    """Whether nobody else sweeps now; the lease is kept for the block."""
    lease = await leases.acquire(SWEEP, holder=holder, now=clock(), seconds=LEASE_SECONDS)
    if lease is None:
        yield False
        return
    try:
        async with _kept(leases, lease, clock):
            yield True
    finally:
        with suppress(Unavailable):  # it runs out by itself
            await leases.release(lease)


@asynccontextmanager
async def _kept(leases: NamedLeases, lease: NamedLease, clock: Callable[[], float]) -> AsyncIterator[None]:
    keeping = asyncio.create_task(_keep(leases, lease, clock))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(leases: NamedLeases, lease: NamedLease, clock: Callable[[], float]) -> None:
    while True:
        await asyncio.sleep(RENEWED_EVERY)
        with suppress(Unavailable):
            await leases.renew(lease, now=clock(), seconds=LEASE_SECONDS)


class Sweeping:
    """`look` is called every few seconds; it sweeps when it is this process's turn."""

    def __init__(
        self,
        work: WholeSweep,
        leases: NamedLeases,
        rules: SweepRules,
        observers: Observers,
        *,
        holder: str,
        clock: Callable[[], float],
    ) -> None:
        self._work = work
        self._leases = leases
        self._rules = rules
        self._observers = observers
        self._holder = holder
        self._clock = clock
        self._not_before = clock() + min(FIRST_AFTER, rules.every)

    async def look(self) -> None:
        """Raises Unavailable when the store is away."""
        now = self._clock()
        if not self._rules.is_enabled or now < self._not_before:
            return
        turn = await self._leases.acquire(TURN, holder=self._holder, now=now, seconds=LEASE_SECONDS)
        if turn is None:
            return
        rest = 0.0
        try:
            async with _kept(self._leases, turn, self._clock):
                if await self._swept_alone():
                    rest = max(0.0, now + self._rules.every - self._clock())
        finally:
            await asyncio.shield(self._end_turn(turn, rest))

    async def _swept_alone(self) -> bool:
        async with sweeping_alone(self._leases, holder=self._holder, clock=self._clock) as is_alone:
            return is_alone and await self._sweep()

    async def _sweep(self) -> bool:
        answer = await self._work.run(is_dry_run=False, progress=lambda what, done, whole: None)
        match answer:
            case Report():
                self._observers.swept(answer, self._clock())
                return True
            case AppTrouble(detail=detail) | AppRefusal(detail=detail):
                self._observers.not_swept(detail)
                return False

    async def _end_turn(self, turn: NamedLease, rest: float) -> None:
        """Keep it for the rest of the interval; give it back where nothing was done, and stand back for a while."""
        with suppress(Unavailable):
            if rest:
                await self._leases.renew(turn, now=self._clock(), seconds=rest)
                return
            self._not_before = self._clock() + min(TRIED_AGAIN_AFTER, self._rules.every)
            await self._leases.release(turn)
