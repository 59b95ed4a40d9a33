"""The kept audit trail, whatever the engine: the port, what is asked of it, and what is told apart in a record."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from proxy.identity import Subject

MOST_AT_ONCE: Final = 5000
"""Records taken out in one transaction: trimming must not keep the store from people who wait."""

Dated: TypeAlias = tuple[float, dict[str, Any]]
"""A record with its time in seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which records: of any of these people or accounts (of all where none is named), since, of one event; the newest `limit`."""

    subjects: frozenset[Subject] = field(default=frozenset())
    accounts: frozenset[str] = field(default=frozenset())
    since: float = 0.0
    event: str | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a record is found by."""

    event: str
    issuer: str | None
    subject: str | None
    account: str | None


class AuditTrail(Protocol):
    """Records as they were written to standard output: JSON objects with `event`. Every method raises `Unavailable`."""

    async def append(self, records: Sequence[Dated]) -> None:
        """Write them all, in this order, or none."""

    async def read(self, query: AuditQuery) -> tuple[Dated, ...]:
        """The oldest first, in the order in which they were written."""

    async def count(self) -> int: ...

    async def trim(self, *, before: float, rows: int, at_most: int = MOST_AT_ONCE) -> int:
        """Take out what is older than `before` or beyond the newest `rows`; how many, at most `at_most` of either."""


def marks_of(record: dict[str, Any]) -> Marks:
    """What this record is found by. In `sign_in`, `account` is the account's state; everywhere else the app's id."""
    event = str(record.get("event", ""))
    return Marks(
        event=event,
        issuer=record.get("issuer"),
        subject=record.get("subject"),
        account=record.get("account") if event != "sign_in" else None,
    )


def record_to_text(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)
