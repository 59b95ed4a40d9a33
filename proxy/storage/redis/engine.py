"""Calls into Redis from coroutines: reads, and units of work that happen whole or not at all; each bounded by a time-out.

Theory of operation:
1. All keys of one installation share a hash tag, so that one script reaches all of them on a Cluster (docs/decisions/090).
2. A unit of work (`work.py`) reads on one connection, computes here, and commits with one script (`commit.py`) that compares
   what was read. A conflict runs it again, a little later each time. No state is left on a connection: no WATCH, no MULTI.
3. A connection goes back to the pool only when all that was asked on it was answered and read (`pool.py`).
4. What was lost before a commit was sent was only read: it is asked again on a new connection, once. What was lost after
   that is Unavailable: it was done, or it was not; repeating a write is harmless everywhere.
5. An answer that says "nothing done here" (a replica, a moved slot, a server that loads) looks for the master again, until
   the time is up.
6. A call that waited in vain, until its time was up or its caller had enough, takes the connections that answered nobody
   meanwhile with it: half-open ones are left all at once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias, TypeVar

from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot
from redis.exceptions import NoScriptError

from proxy.errors import Unavailable
from proxy.storage.redis.commit import by_digest, in_full
from proxy.storage.redis.connecting import Command, Reply, exchange
from proxy.storage.redis.faults import Elsewhere, Fault, Lost, Refused, Unknown, refusal, unavailable
from proxy.storage.redis.keys import Keys
from proxy.storage.redis.locating import ROLE, Locator, demand_master
from proxy.storage.redis.opening import OLDEST, QUESTIONS, ServerState, state_of
from proxy.storage.redis.place import Place
from proxy.storage.redis.pool import Pool
from proxy.storage.redis.work import Work

Result = TypeVar("Result")
Unit: TypeAlias = Callable[[Work], Awaitable[Result]]
Job: TypeAlias = Callable[[AbstractConnection], Awaitable[Result]]

MOST_RUNS: Final = 100
FIRST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.05
IN_VAIN: Final = 0.5
"""The part of a call's time-out after which a caller that leaves has waited in vain."""


class RedisEngine:
    """One installation's keys on one place."""

    def __init__(self, place: Place) -> None:
        """Connects to nothing yet. Raises SettingsError for TLS files that cannot be used."""
        self.keys = Keys(prefix=place.prefix)
        self._place = place
        try:
            self._locator = Locator(place, key_slot(self.keys.name("").encode()))
        except Fault as fault:
            raise refusal(place.at, fault.sentence) from None
        except OSError as error:
            raise refusal(place.at, f"{error.filename}: {error.strerror}") from None
        self._pool = Pool(self._locator.connect, place.connections)

    async def open(self) -> None:
        """Ask the server who it is. Raises SettingsError for one that is there and cannot be ours; one that cannot be reached
        may be there in a minute."""
        try:
            async with asyncio.timeout(self._place.timeout), self._pool.connection() as (connection, _):
                state = state_of(await exchange(connection, QUESTIONS))
        except Refused as fault:
            raise refusal(self._place.at, fault.sentence) from None
        except (TimeoutError, Fault):
            return
        if state.is_too_old:
            wanted = ".".join(map(str, OLDEST))
            raise refusal(self._place.at, f"it is {state.name} {state.version}; {wanted} or later is needed")

    async def state(self) -> ServerState:
        """What the server says about itself. Raises Unavailable."""
        return state_of(await self.ask(*QUESTIONS))

    async def ask(self, *commands: Command) -> list[Reply]:
        """The replies, in one round trip; of reading commands only, for they may be sent twice. Raises Unavailable."""
        return await self._bounded(lambda connection: exchange(connection, commands))

    async def ask_master(self, *commands: Command) -> list[Reply]:
        """As `ask`, of a server that calls itself a master in the same breath: a replica may have lost its master, and then
        answers for ever with what it had. Raises Unavailable."""
        return await self._bounded(lambda connection: _of_master(connection, commands))

    async def write(self, unit: Unit[Result]) -> Result:
        """What the unit returns, once what it named is written. Raises Unavailable: then it was not done, or nobody knows."""
        return await self._bounded(lambda connection: _carry_out(connection, unit))

    async def close(self) -> None:
        """Close all connections; later calls raise Unavailable."""
        await self._pool.close()

    async def _bounded(self, job: Job[Result]) -> Result:
        trouble: list[str] = []
        begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._place.timeout):
                return await self._until_done(job, trouble)
        except asyncio.CancelledError:
            if asyncio.get_running_loop().time() - begun >= self._place.timeout * IN_VAIN:
                await self._in_vain(begun)
            raise
        except TimeoutError:
            await self._in_vain(begun)
            why = f" ({trouble[-1]})" if trouble else ""
            raise Unavailable(f"the store did not answer within {self._place.timeout:g} s{why}") from None
        except Fault as fault:
            raise unavailable(fault.sentence) from None

    async def _until_done(self, job: Job[Result], trouble: list[str]) -> Result:
        """The job's result on the server that takes writes, wherever that is meanwhile. Raises Fault."""
        for pause in _pauses():
            try:
                async with self._pool.connection() as (connection, was_used):
                    return await _on(connection, job, was_used=was_used)
            except Elsewhere as elsewhere:
                trouble.append(elsewhere.sentence)
                await self._look_again()
            except Fault:
                await self._look_again()
                raise
            await asyncio.sleep(pause)
        raise Lost("no server takes our calls")

    async def _in_vain(self, begun: float) -> None:
        self._locator.forget()
        await self._pool.distrust(begun)

    async def _look_again(self) -> None:
        self._locator.forget()
        await self._pool.renew()


async def _on(connection: AbstractConnection, job: Job[Result], *, was_used: bool) -> Result:
    """The job's result. A connection that was used before may have been closed by the server since: that is no outage."""
    try:
        return await job(connection)
    except Lost as lost:
        raise (Elsewhere(lost.sentence) if was_used else lost) from None


async def _of_master(connection: AbstractConnection, commands: Sequence[Command]) -> list[Reply]:
    role, *replies = await exchange(connection, [ROLE, *commands])
    demand_master(role)
    return replies


async def _carry_out(connection: AbstractConnection, unit: Unit[Result]) -> Result:
    """The unit's result, once what it read still held when its writes were done. Raises Fault."""
    for pause, _ in zip(_pauses(), range(MOST_RUNS), strict=False):
        work = Work(partial(exchange, connection))
        result = await unit(work)
        if not work.needs_commit or await _is_committed(connection, work):
            return result
        await asyncio.sleep(pause)
    raise Refused("others change the same records all the time")


async def _is_committed(connection: AbstractConnection, work: Work) -> bool:
    try:
        try:
            (reply,) = await exchange(connection, [by_digest(work)])
        except NoScriptError:
            (reply,) = await exchange(connection, [in_full(work)])
    except Lost as lost:
        raise (Unknown(lost.sentence) if work.writes else lost) from None
    return bool(reply)


def _pauses() -> Iterator[float]:
    """Longer each time, and never the same for two who met."""
    longest = FIRST_PAUSE
    while True:
        yield random.uniform(0, longest)  # noqa: S311 -- keeps apart those who met; no secret
        longest = min(2 * longest, LONGEST_PAUSE)
