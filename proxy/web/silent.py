"""Silent sign-ins that lead nowhere, counted by the browser itself: after `MOST` in a row for one address a person must look.

A session is due again at the earliest after `refresh.at_least`. Whoever is sent here for the same page several times sooner
goes in a circle: two replicas' clocks disagree, or an IdP's answers end at once. The count is a cookie for that long; what a
browser writes into it itself concerns that browser alone. Another page begins a count of its own, so that forty tabs restored at
once are no circle.
"""

import hashlib
from typing import Final

MOST: Final = 3
LONGEST: Final = 60
_DIGITS: Final = 16


def name(cookie_name: str) -> str:
    """The count's cookie; the edge takes whatever begins with our name and `-` out of what the app gets."""
    return f"{cookie_name}-silent"


def seconds(at_least: float) -> int:
    """How long a count is kept: shorter than it takes a session to fall due again."""
    return max(1, min(LONGEST, int(at_least)))


def next_value(value: str | None, return_to: str) -> str | None:
    """The count with one more for this page; None when there were enough. `value` is what the browser kept, or anything."""
    page = hashlib.sha256(return_to.encode()).hexdigest()[:_DIGITS]
    kept, _, count = (value or "").partition(".")
    made = int(count) if kept == page and count.isascii() and count.isdigit() and len(count) < 3 else 0
    return None if made >= MOST else f"{page}.{made + 1}"
