"""`muster serve` in one process: until SIGTERM or SIGINT, and on SIGHUP with a configuration read anew.

A new generation begins beside the one that serves, on the same sockets. Only when it serves is the old one told to leave.
Whatever keeps the new one from that (a mistake in the file, a store that cannot be opened, a port that is taken) goes to the log,
and the old one serves on as if nothing had been asked.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Final, TypeAlias

from proxy.app import rules
from proxy.app.departure import Stop
from proxy.app.doors import Doors
from proxy.app.generation import Generation
from proxy.app.passed import NONE, Name
from proxy.errors import Problem, SettingsError
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import Telemetry

REFUSED: Final = "reload_refused"
RELOADED: Final = "the new configuration is served; what began under the old one ends"
RESTART: Final = "from one process to several takes a restart"

Reread: TypeAlias = Callable[[], Settings]
"""The configuration as the file holds it now; raises SettingsError. Called in a thread."""


async def serve(settings: Settings, reread: Reread, passed: Mapping[Name, socket.socket] = NONE) -> None:
    """Serve until told to stop. `passed`: sockets from whoever started us. Raises SettingsError before anything listens."""
    stop, reloading = Stop(), asyncio.Event()
    stop.hear()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloading.set)
    with closing(Doors(passed)) as doors:
        process = _Process(doors, reread)
        try:
            await process.begin(settings)
            await _until(stop.asked, reloading, process.reload)
        finally:
            await process.end(stop.hurried)


async def _until(
    stopping: asyncio.Event, reloading: asyncio.Event, reload: Callable[[], "asyncio.Future[None]"]
) -> None:
    """Reloads, one at a time, until told to stop; that does not wait for a reload."""
    stop = asyncio.create_task(stopping.wait())
    try:
        while not stop.done():
            asked = asyncio.create_task(reloading.wait())
            await asyncio.wait((stop, asked), return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if stop.done():
                return
            reloading.clear()
            work = reload()
            await asyncio.wait((stop, work), return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
    finally:
        stop.cancel()


class _Process:
    """The generation that serves, and those that are leaving."""

    def __init__(self, doors: Doors, reread: Reread) -> None:
        self._doors = doors
        self._reread = reread
        self._current: Generation | None = None
        self._leaving: list[Generation] = []

    async def begin(self, settings: Settings) -> None:
        self._current = await self._begun(settings)

    def reload(self) -> asyncio.Future[None]:
        return asyncio.create_task(self._reload())

    async def _begun(self, settings: Settings) -> Generation:
        generation = Generation(settings, self._doors.open(settings))
        await generation.begun()
        return generation

    async def _reload(self) -> None:
        before = self._current
        assert before is not None, "reloads only while it serves"
        telemetry = Telemetry(rules.telemetry_rules(before.settings))
        try:
            after = await self._after(before)
        except SettingsError as refusal:
            self._doors.keep(before.settings)
            say_refused(telemetry, refusal)
        except Exception as error:
            self._doors.keep(before.settings)
            telemetry.log.warning(
                REFUSED, what="a bug: nothing was changed", incident=telemetry.report(error)
            )
        else:
            self._current = after
            before.leave_to_successor()
            self._leaving = [*(one for one in self._leaving if not one.is_over), before]
            self._doors.keep(after.settings)
            telemetry.log.info("reloaded", what=RELOADED)

    async def _after(self, before: Generation) -> Generation:
        settings = await asyncio.to_thread(self._reread)
        if settings.workers > 1:
            problem = Problem(path="workers", line=settings.line_of("workers"), message=RESTART)
            raise SettingsError((problem,))
        return await self._begun(settings)

    async def end(self, hurried: asyncio.Event) -> None:
        """Nobody new; everything under way ends."""
        self._doors.close()
        everybody = [*self._leaving, *([self._current] if self._current else [])]
        hurry = asyncio.create_task(_hurry(everybody, hurried))
        try:
            for one in everybody:
                one.leave_as_last()
            await asyncio.gather(*(one.ended() for one in everybody))
        finally:
            hurry.cancel()


async def _hurry(everybody: Sequence[Generation], hurried: asyncio.Event) -> None:
    await hurried.wait()
    for one in everybody:
        one.leave_at_once()


def say_refused(telemetry: Telemetry, refusal: SettingsError) -> None:
    """Every mistake, with its place."""
    for problem in refusal.problems:
        telemetry.log.warning(REFUSED, where=problem.path, line=problem.line, what=problem.message)
