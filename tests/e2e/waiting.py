"""Waiting for what must become so: polled, with a deadline, never slept for."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")

POLL_SECONDS = 0.05


async def eventually(
    look: Callable[[], Awaitable[Found]], accepts: Callable[[Found], bool], *, within: float, what: str
) -> Found:
    """What `look` found once it is accepted; fails with what was seen last."""
    deadline = time.monotonic() + within
    while True:
        found = await look()
        if accepts(found):
            return found
        assert time.monotonic() < deadline, f"after {within:g} s still not so: {what}; seen last: {found!r}"
        await asyncio.sleep(POLL_SECONDS)


async def always(
    look: Callable[[], Awaitable[Found]],
    accepts: Callable[[Found], bool],
    *,
    during: Awaitable[object],
    what: str,
) -> int:
    """How often it was looked while `during` went on; fails at the first time that it was not so."""
    task = asyncio.ensure_future(during)
    looks = 0
    try:
        while not task.done():
            found = await look()
            assert accepts(found), f"not so: {what}; seen: {found!r}"
            looks += 1
            await asyncio.sleep(POLL_SECONDS)
        await task
    finally:
        task.cancel()
    return looks
