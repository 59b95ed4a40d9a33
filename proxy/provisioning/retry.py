"""When an entry is tried again after the app's fault, and when it waits for an operator instead."""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from proxy.provisioning.app_admin import AppFault, AppRefusal, AppTrouble
from proxy.provisioning.model import Entry, EntryState
from proxy.reasons import Reason

LEAST = 1.0
MOST = 45.0
"""Seconds. Below the minute within which a restart must carry everything out (semantics §9.2)."""

_OF_THE_API = frozenset({Reason.APP_REFUSED, Reason.APP_UNPROVED, Reason.APP_TROUBLE, Reason.ACCOUNT_GONE})

LONGEST_ASKED = 3600.0
"""Seconds: an app that asks for more is asked again after an hour all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Try again after so many seconds."""

    after: float
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """Trying again would get the same answer: an operator must act."""

    reason: Reason
    detail: str


Next: TypeAlias = Again | Park


def after_fault(fault: AppFault, attempts: int, entropy: bytes) -> Next:
    """Trouble is tried again, with the app's own wait obeyed; a refusal is parked.

    Two refusals are not about this person and would park everybody: our token is not accepted, and something that
    was there is gone. They are tried again too.
    """
    match fault:
        case AppTrouble(detail=detail, retry_after=asked):
            after = max(backoff(attempts, entropy), min(asked or 0.0, LONGEST_ASKED))
            return Again(after=after, reason=Reason.APP_TROUBLE, detail=detail)
        case AppRefusal(reason=Reason.APP_UNPROVED | Reason.ACCOUNT_GONE as reason, detail=detail):
            return Again(after=backoff(attempts + 4, entropy), reason=reason, detail=detail)
        case AppRefusal(reason=reason, detail=detail):
            return Park(reason=reason, detail=detail)
        case _:
            assert_never(fault)


def is_the_apis(entry: Entry) -> bool:
    """Whether an entry is parked for what the app's API answered: that may be over, and is worth a try at every occasion.

    What is parked for a person's own sake (a login, a seat, an account that nobody can tell) waits for an operator.
    """
    return entry.state is EntryState.PARKED and entry.reason in _OF_THE_API


def backoff(attempts: int, entropy: bytes) -> float:
    """Seconds to wait after so many attempts: doubling, capped, half of it at random so that nobody marches in step."""
    whole = min(MOST, LEAST * float(1 << max(0, min(attempts, 16))))
    return whole * (0.5 + 0.5 * _fraction(entropy))


def _fraction(entropy: bytes) -> float:
    """A number in [0, 1) out of the first four bytes."""
    return int.from_bytes(entropy[:4].ljust(4, b"\0"), "big") / float(1 << 32)
