"""What a generation is told about its end. It may be told again, and then it is only ever sooner."""

import asyncio
import math
import signal
from dataclasses import dataclass


@dataclass(slots=True)
class Departure:
    """Connections without a request stay open until `quiet_until` (loop time). `is_replaced`: others serve its addresses."""

    is_replaced: bool = False
    quiet_until: float = 0.0

    @classmethod
    def replaced(cls) -> "Departure":
        """Each quiet connection may ask once more, however late; only `limits.drain_timeout` ends it."""
        return cls(is_replaced=True, quiet_until=math.inf)

    def last(self, quiet_until: float) -> None:
        """Nobody comes after it."""
        self.is_replaced = False
        self.quiet_until = quiet_until


class Stop:
    """Whether this process was told to end: `asked` by SIGTERM; by SIGINT also `hurried`, not to wait for quiet connections.

    A second SIGTERM says nothing new: supervisors tell a whole group, and a parent tells its workers once more.
    """

    def __init__(self) -> None:
        self.asked, self.hurried = asyncio.Event(), asyncio.Event()

    def hear(self) -> None:
        """From now on, on the running loop."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.asked.set)
        loop.add_signal_handler(signal.SIGINT, self._hurry)

    def _hurry(self) -> None:
        self.asked.set()
        self.hurried.set()
