"""The sign-in attempts in a head that was too large to be read, so that the answer can clear them.

Tabs that are restored at once begin an attempt each and know nothing of one another; their cookies together may be more than a
head may hold. Without this, every page would be refused until they lapse.
"""

import re
from typing import Final

from proxy.session.cookie import attempt_pattern, clear_cookie

MOST: Final = 40
"""Fields of one answer; proxies in front hold its head in few KiB. The next answer clears the rest."""


class Attempts:
    """Knows the attempts' cookies by the session cookie's name."""

    def __init__(self, cookie_name: str) -> None:
        self._is_secure = cookie_name.startswith("__Host-")
        self._names = re.compile(attempt_pattern(is_secure=self._is_secure).encode("ascii") + b"(?==)")

    def cleared(self, head: bytes) -> tuple[tuple[bytes, bytes], ...]:
        """Set-Cookie fields that clear the attempts named in a head's bytes. Whoever names one can only lose their own."""
        names = tuple(dict.fromkeys(self._names.findall(head)))[:MOST]
        return tuple(
            (b"Set-Cookie", clear_cookie(name.decode("ascii"), is_secure=self._is_secure).encode("ascii"))
            for name in names
        )
