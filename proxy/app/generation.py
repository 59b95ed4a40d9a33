"""A generation: the program with one configuration, as a task that can be told to leave."""

import asyncio

from proxy.app.departure import Departure
from proxy.app.doors import Opened
from proxy.app.running import running
from proxy.settings.model import Settings


class Generation:
    """Begins when it is made; `begun` says whether it came to serve."""

    def __init__(self, settings: Settings, opened: Opened, *, number: int = 0) -> None:
        self.settings = settings
        self._opened = opened
        self._number = number
        self._serves = asyncio.Event()
        self._leaves = asyncio.Event()
        self._departure = Departure()
        self._task = asyncio.create_task(self._run(), name=f"generation {number}")

    async def begun(self) -> None:
        """Returns when it serves. Raises what kept it from that: SettingsError. Cancelled, it never comes to serve."""
        serves = asyncio.create_task(self._serves.wait())
        try:
            await asyncio.wait((serves, self._task), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            raise
        finally:
            serves.cancel()
        if self._task.done():
            self._task.result()

    def leave_to_successor(self) -> None:
        """Others serve the same addresses: to the end of what is under way, in no hurry."""
        self._departure = Departure.replaced()
        self._leaves.set()

    def leave_as_last(self) -> None:
        """Nobody comes after: quiet connections have `limits.drain_idle` from now on."""
        self._departure.last(asyncio.get_running_loop().time() + self.settings.limits.drain_idle)
        self._leaves.set()

    def leave_at_once(self) -> None:
        """Quiet connections close now; what is under way still ends."""
        self._departure.last(0.0)
        self._leaves.set()

    async def ended(self) -> None:
        """Everything was drained and closed."""
        await asyncio.shield(self._task)

    @property
    def is_over(self) -> bool:
        """Whether it left and is gone."""
        return self._task.done()

    async def _run(self) -> None:
        async with running(
            self.settings, self._opened, number=self._number, departure=lambda: self._departure
        ):
            self._serves.set()
            await self._leaves.wait()
