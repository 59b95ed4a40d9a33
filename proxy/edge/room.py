"""Who gives way when all connections are taken: those without a request under way, whoever waits longest first.

Invariants:
- A connection that has a request, a stream or a tunnel, or sends a head, is never closed for another.
- Nor is one that has waited for less than `LEAST`: it may be about to ask.
- Looking for them costs the same however many come: it is done once a tick.

Pure: no clock, no socket.
"""

from collections.abc import Collection
from typing import Final, Protocol

LEAST: Final = 1.0
"""Seconds."""


class Waiting(Protocol):
    """A client's connection, as it is met here."""

    def waiting_since(self) -> float | None:
        """Loop time since which no request is under way; None while one is."""

    def give_way(self) -> bool:
        """Closes at once, and counts no longer; False when it cannot."""


class Room:
    """Makes room among `clients`, which are a set that others own."""

    __slots__ = ("_clients", "_looked_at", "_waiting")

    def __init__(self, clients: Collection[Waiting]) -> None:
        self._clients = clients
        self._looked_at: float | None = None
        self._waiting: list[tuple[float, Waiting]] = []

    def make(self, now: float) -> bool:
        """Closes one; False when all are at work. `now` is the loop time of the last tick."""
        if self._looked_at != now:
            self._looked_at = now
            self._waiting = self._longest_last(now)
        while self._waiting:
            since, client = self._waiting.pop()
            if client.waiting_since() == since and client.give_way():
                return True
        return False

    def _longest_last(self, now: float) -> list[tuple[float, Waiting]]:
        found = ((client.waiting_since(), client) for client in self._clients)
        waiting = [(since, client) for since, client in found if since is not None and now - since >= LEAST]
        return sorted(waiting, key=lambda one: one[0], reverse=True)
