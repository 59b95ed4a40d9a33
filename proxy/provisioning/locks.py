"""Locks that hold across processes: what may be done by one at a time, for as long as an `async with` lasts.

`LeaseLocks` makes them of named leases. The work is given less time than the lease lasts, so it never goes on once somebody else
may have begun; a request that is on its way by then has the rest of the lease to arrive.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from proxy.errors import Unavailable
from proxy.provisioning.leases import NamedLease, NamedLeases

LEASE_SECONDS: Final = 30.0
WORK_SECONDS: Final = 22.0
POLL_SECONDS: Final = 0.05


class Locks(Protocol):
    """Locks by name."""

    def hold(self, name: str) -> AbstractAsyncContextManager[None]:
        """Held for the block. Raises `Unavailable` when it is not to be had in time, or the block takes too long."""


class LeaseLocks:
    """Locks across all processes of one store. One is waited for `patience` seconds and held for `work` seconds at most."""

    def __init__(
        self,
        leases: NamedLeases,
        *,
        clock: Callable[[], float],
        holder: str,
        patience: float = 10.0,
        work: float = WORK_SECONDS,
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._holder = holder
        self._patience = patience
        self._work = work

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        lease = await self._acquired(name)
        try:
            async with asyncio.timeout(self._work):
                yield
        except TimeoutError as error:
            raise Unavailable(f"{name} was not done within {self._work:g} s") from error
        finally:
            await self._leases.release(lease)

    async def _acquired(self, name: str) -> NamedLease:
        give_up = self._clock() + self._patience
        while True:
            now = self._clock()
            lease = await self._leases.acquire(name, holder=self._holder, now=now, seconds=LEASE_SECONDS)
            if lease is not None:
                return lease
            if now >= give_up:
                raise Unavailable(f"{name} has been at work elsewhere for {self._patience:g} s")
            await asyncio.sleep(POLL_SECONDS)
