"""Opened sessions beside their rendered headers: what makes the steady state one dictionary look-up.

Invariants:
- An entry is used only while the change channel was heard within `PROOF_SECONDS` (Decision 3): a session ended elsewhere is
  never admitted here for longer. Only while the store is known not to answer (`is_away`) it is used within the gate's
  `cache_grace`: nobody waits for a store that fails over.
- A load notes `epoch` before it reads; `put` refuses when something about that session came meanwhile.
"""

from proxy.gate.decision import Admit
from proxy.session.model import Session, SessionKey

PROOF_SECONDS = 1.0
KEPT_EPOCHS = 4096


class Cached:
    """One opened session; `seen_at` is raised by every request.

    `served_until` is when the session must be looked at again. `until` is when the entry must: then, or earlier, when the
    assertion in `admit` wants to be made anew.
    """

    __slots__ = (
        "admit",
        "cookie",
        "early_at",
        "saved_seen_at",
        "seen_at",
        "served_until",
        "session",
        "until",
    )

    def __init__(
        self, *, cookie: bytes, session: Session, admit: Admit, until: float, early_at: float, seen_at: float
    ) -> None:
        self.cookie = cookie
        self.session = session
        self.admit = admit
        self.until = until
        self.served_until = until
        self.early_at = early_at
        self.seen_at = seen_at
        # What the store knows: the request that brought this entry here is use as well, and is yet to be written.
        self.saved_seen_at = session.last_seen_at


class SessionCache:
    """A bounded dict from the raw cookie value; the oldest entry goes first when it is full."""

    def __init__(self, *, limit: int = 20_000) -> None:
        self.entries: dict[bytes, Cached] = {}
        self.proved_at = 0.0
        self.is_away = False
        self.epoch = 0
        self._cookie_of: dict[SessionKey, bytes] = {}
        self._changed_in: dict[SessionKey, int] = {}
        self._cleared_in = 0
        self._limit = limit

    def get(self, cookie: bytes) -> Cached | None:
        """What is held for this cookie, whether or not it may be used."""
        return self.entries.get(cookie)

    def of_key(self, key: SessionKey) -> Cached | None:
        """What is held for this session."""
        cookie = self._cookie_of.get(key)
        return None if cookie is None else self.entries.get(cookie)

    def put(self, entry: Cached, *, epoch: int) -> bool:
        """Keep it, unless something about the session came after `epoch`; True when kept."""
        key = entry.session.key
        if self._cleared_in > epoch or self._changed_in.get(key, 0) > epoch:
            return False
        if len(self.entries) >= self._limit:
            self._forget(next(iter(self.entries.values())).session.key)
        self._forget(key)
        self.entries[entry.cookie] = entry
        self._cookie_of[key] = entry.cookie
        return True

    def drop(self, key: SessionKey) -> None:
        """Something about this session happened: hold nothing, and let no load under way be kept."""
        self.epoch += 1
        if len(self._changed_in) >= KEPT_EPOCHS:
            self._changed_in.clear()
            self._cleared_in = self.epoch
        self._changed_in[key] = self.epoch
        self._forget(key)

    def clear(self) -> None:
        """The channel was broken: whatever is held may be old."""
        self.epoch += 1
        self._cleared_in = self.epoch
        self._changed_in.clear()
        self.entries.clear()
        self._cookie_of.clear()

    def prune(self, unused_since: float) -> None:
        """Let go of sessions that were not used since."""
        for entry in [e for e in self.entries.values() if e.seen_at < unused_since]:
            self._forget(entry.session.key)

    def seen(self) -> dict[SessionKey, float]:
        """Who was seen since the last call; the caller flushes it to the store."""
        fresh = {e.session.key: e.seen_at for e in self.entries.values() if e.seen_at > e.saved_seen_at}
        for key in fresh:
            entry = self.of_key(key)
            if entry is not None:
                entry.saved_seen_at = entry.seen_at
        return fresh

    def in_use_and_early(self, now: float, *, seen_since: float) -> tuple[SessionKey, ...]:
        """Sessions in use whose early renewal is due."""
        return tuple(
            entry.session.key
            for entry in self.entries.values()
            if now >= entry.early_at and entry.seen_at >= seen_since
        )

    def _forget(self, key: SessionKey) -> None:
        cookie = self._cookie_of.pop(key, None)
        if cookie is not None:
            self.entries.pop(cookie, None)
