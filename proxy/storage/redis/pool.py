"""A bounded pool of connections. One that was used comes back only if everything asked on it was answered and read.

Whatever else ends the use (an error, a time-out, a cancelled request) closes the connection: an unread answer on it would be
taken for the answer to somebody else's question.

What was open when a call waited in vain is suspected with it: on a half-open network each of them would cost a time-out.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from proxy.storage.redis.faults import Lost

GOOD_BYE: Final = 1.0
"""Seconds that closing may take: a server that hangs must not keep us."""


class Pool:
    """At most `size` connections at once; whoever comes later waits, bounded by their own time-out."""

    def __init__(self, connect: Callable[[], Awaitable[AbstractConnection]], size: int) -> None:
        self._connect = connect
        self._slots = asyncio.Semaphore(size)
        self._idle: list[tuple[AbstractConnection, float]] = []
        self._life = 0
        self._is_closed = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[AbstractConnection, bool]]:
        """A connection for the length of the block, the one used last if there is one, and whether it was used before.
        Raises Fault."""
        async with self._slots:
            if self._is_closed:
                raise Lost("it is closed")
            life = self._life
            was_used = bool(self._idle)
            one = self._idle.pop()[0] if was_used else await self._connect()
            try:
                yield one, was_used
            except BaseException:
                await one.disconnect(nowait=True)
                raise
            if life == self._life and one.is_connected:
                self._idle.append((one, asyncio.get_running_loop().time()))
            else:
                await one.disconnect(nowait=True)

    async def renew(self) -> None:
        """Close what is idle; what is in use closes when it comes back: the server it leads to is not ours any more."""
        self._life += 1
        await self.distrust(math.inf)

    async def distrust(self, since: float) -> None:
        """Close what is idle and gave no answer after `since` (seconds of the loop's clock)."""
        suspected = [one for one, answered_at in self._idle if answered_at <= since]
        self._idle = [(one, answered_at) for one, answered_at in self._idle if answered_at > since]
        for one in suspected:
            await one.disconnect(nowait=True)

    async def close(self) -> None:
        """Say good-bye on all that are idle, as far as the server lets us; later uses raise Lost."""
        self._is_closed = True
        self._life += 1
        idle, self._idle = self._idle, []
        with contextlib.suppress(TimeoutError, RedisError, OSError):
            async with asyncio.timeout(GOOD_BYE):
                await asyncio.gather(*(one.disconnect() for one, _ in idle), return_exceptions=True)
