"""Whether the app is worth connecting to: after a failed connect nobody waits for the next one, but for whoever tries.

    UP ──failed──▶ DOWN, for `down_for` ──▶ one tries ──connected──▶ UP
                     ▲                          │
                     └──────────failed──────────┘

- DOWN answers at once, and a connection that is open all the same is used: nothing here is asked for it.
- Whoever tries and goes away leaves the try to the next one.
- A refusal that was not tried again decides nothing while the app is up: an app that restarts is back within the pauses.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

from proxy.reasons import Reason

SAID_AGAIN: Final = 30.0
"""How long one fault is said only once, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why no connection was made: what is answered, and a sentence for the log."""

    status: int
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """What an exchange hears of it. `retry_after` in whole seconds, at least 1."""

    fault: Fault
    retry_after: int


class Health:
    """Of one upstream. All times are loop time."""

    __slots__ = ("_down_for", "_fault", "_is_tried", "_said", "_said_at", "_until")

    def __init__(self, down_for: float) -> None:
        self._down_for = down_for
        self._fault: Fault | None = None
        self._until = 0.0
        self._is_tried = False
        self._said: Fault | None = None
        self._said_at = 0.0

    @property
    def fault(self) -> Fault | None:
        """Why the last connect failed; None when it succeeded, or when none was tried."""
        return self._said

    def refusal(self, now: float) -> Unreachable | None:
        """The answer without trying; None when the caller is to try, and then says how it went."""
        if self._fault is None:
            return None
        if self._is_tried or now < self._until:
            return self._unreachable(self._fault, now)
        self._is_tried = True
        return None

    def failed(self, fault: Fault, now: float, *, is_verdict: bool) -> Unreachable:
        """A connect failed. `is_verdict`: it was tried as often as it makes sense."""
        if is_verdict or self._fault is not None:
            self._fault = fault
            self._until = now + self._down_for
        self._is_tried = False
        return self._unreachable(fault, now)

    def left(self) -> None:
        """Whoever tried went away."""
        self._is_tried = False

    def connected(self) -> bool:
        """A connect succeeded; True when a fault had been said."""
        was_said = self._said is not None
        self._fault = self._said = None
        self._is_tried = False
        return was_said

    def is_news(self, fault: Fault, now: float) -> bool:
        """Whether this fault is to be said: the first one, another one, or the same after a while."""
        if fault == self._said and now - self._said_at < SAID_AGAIN:
            return False
        self._said, self._said_at = fault, now
        return True

    def _unreachable(self, fault: Fault, now: float) -> Unreachable:
        remaining = self._until - now if self._fault is not None else self._down_for
        return Unreachable(fault=fault, retry_after=max(1, ceil(remaining)))
