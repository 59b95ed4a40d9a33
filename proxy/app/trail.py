"""Audit records on their way into the store: taken at once, written in batches beside the requests.

Nobody waits for it. While the store is away records wait in memory, so many; beyond that they are counted, and the count is
itself the next record that is written: what is missing from the trail is never missing silently. Standard output has them all.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from proxy.settings.model import Settings
from proxy.telemetry.redaction import redact
from proxy.telemetry.telemetry import Telemetry

MOST_WAITING: Final = 20_000
BATCH: Final = 500


class AuditStore(Protocol):
    """The part of the store that a trail needs; each method raises `Unavailable`."""

    async def append(self, records: Sequence[tuple[float, dict[str, Any]]]) -> None: ...

    async def trim(self, *, before: float, rows: int) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailRules:
    """How long records are kept (seconds), and how many."""

    keep: float
    rows: int


class Trail:
    """`add` is plain code; `flush` and `trim` are rounds. `lost` hears how many records found no room."""

    def __init__(
        self,
        store: AuditStore,
        rules: TrailRules,
        *,
        clock: Callable[[], float],
        lost: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._lost = lost
        self._waiting: deque[tuple[float, dict[str, Any]]] = deque()
        self._missing = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one record; secrets are taken out of it."""
        if len(self._waiting) >= MOST_WAITING:
            self._missing += 1
            self._lost(1)
            return
        self._waiting.append((self._clock(), redact(record)))

    async def flush(self) -> None:
        """Write what waits, in order. Raises Unavailable; what was not written waits on."""
        while self._waiting:
            batch = [self._waiting[index] for index in range(min(BATCH, len(self._waiting)))]
            await self._store.append(batch)
            for _ in batch:
                self._waiting.popleft()
        if self._missing:
            missing, self._missing = self._missing, 0
            self._waiting.append((self._clock(), {"event": "audit_lost", "count": missing}))
            await self.flush()

    async def trim(self) -> None:
        """Keep the trail within its limits; a share at a time, so that the store's writer stays free."""
        await self._store.trim(before=self._clock() - self._rules.keep, rows=self._rules.rows)


def open_trail(settings: Settings, store: AuditStore, telemetry: Telemetry) -> Trail:
    """The trail of a running program."""
    kept = TrailRules(keep=settings.audit.keep, rows=settings.audit.rows)
    return Trail(store, kept, clock=time.time, lost=telemetry.metrics.lines_lost)
