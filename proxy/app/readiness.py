"""Whether requests can be served: the store answers and the change channel lives, whoever else is down."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy.errors import Unavailable
from proxy.gate.cache import SessionCache
from proxy.session.store import SessionStore

LONGEST_SILENCE: Final = 5.0
"""Seconds without a word from the change channel before this process calls itself not ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What `readyz` asks. An IdP or app in trouble makes nobody unready: people with a session go on."""

    sessions: SessionStore
    cache: SessionCache
    clock: Callable[[], float]

    async def ready(self) -> tuple[bool, dict[str, str]]:
        """Yes or no, and a word about each part."""
        try:
            await self.sessions.ping()
        except Unavailable as away:
            return False, {"store": away.reason}
        silence = self.clock() - self.cache.proved_at
        is_heard = silence < LONGEST_SILENCE
        return is_heard, {"store": "ok", "changes": "ok" if is_heard else f"not heard for {silence:.0f} s"}
