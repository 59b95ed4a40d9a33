"""One worker process: a generation that begins when the process does, and ends when the parent says so or is gone."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from proxy.app.departure import Stop
from proxy.app.doors import Doors, Opened
from proxy.app.generation import Generation
from proxy.settings.model import Settings

LEAVE = signal.SIGUSR1
"""To a worker that has a successor. SIGTERM is for one that has none, and may follow to hurry it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a worker gets from its parent. One byte into `ready` says that it serves; `lifeline` ends when the parent does."""

    settings: Settings
    doors: Doors
    opened: Opened
    number: int
    ready: int
    lifeline: int


async def attend(seat: Seat) -> None:
    """Serves until told to leave. Raises SettingsError when it cannot begin."""
    stop, leaving = Stop(), asyncio.Event()
    loop = asyncio.get_running_loop()
    stop.hear()
    loop.add_signal_handler(LEAVE, leaving.set)
    loop.add_reader(seat.lifeline, _orphaned, seat.lifeline, stop)
    generation = Generation(seat.settings, seat.opened, number=seat.number)
    try:
        if not await _is_first(generation.begun(), stop.asked):
            return
        seat.doors.abandon()
        os.write(seat.ready, b".")
        if await _is_first(leaving.wait(), stop.asked):
            generation.leave_to_successor()
            await _is_first(generation.ended(), stop.asked)
        generation.leave_as_last()
        await _is_first(generation.ended(), stop.hurried)
        generation.leave_at_once()
        await generation.ended()
    finally:
        loop.remove_reader(seat.lifeline)


def _orphaned(lifeline: int, stop: Stop) -> None:
    """The end of a pipe is readable for ever: it is heard once."""
    asyncio.get_running_loop().remove_reader(lifeline)
    stop.asked.set()


async def _is_first(work: Coroutine[Any, Any, object], told: asyncio.Event) -> bool:
    """Whether the work ended before that was told; else it is called off. Raises what the work raises."""
    task, other = asyncio.create_task(work), asyncio.create_task(told.wait())
    try:
        await asyncio.wait((task, other), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
    finally:
        other.cancel()
