"""Follows the key file while the server runs, and seals anew what older keys sealed.

- A file that changed is read again; one that cannot be read changes nothing but the log. No key is ever made here.
- A key that left the file goes on opening until nothing is sealed under it: a line taken out too early signs nobody out.
- Sealing anew goes in small transactions, a few thousand sessions a turn, and says nothing to caches: a record says the same.

Replicas rotate in this order: the new key last in every replica's file, then first in every one. A replica that meets a key
it does not have takes the session for none.
"""

import os
from pathlib import Path
from typing import Final, Protocol

from proxy.errors import SettingsError
from proxy.session.codec import KeyRing, SealingKey
from proxy.storage.keyring import read_keyring
from proxy.telemetry.telemetry import Telemetry

BATCH: Final = 200
BATCHES: Final = 20


class Resealed(Protocol):
    """The part of the session store that is needed here."""

    async def reseal(self, limit: int) -> int: ...


class KeysWatch:
    """The ring of this process, kept as its file says."""

    def __init__(self, path: Path, ring: KeyRing, sessions: Resealed, telemetry: Telemetry) -> None:
        self._path = path
        self._ring = ring
        self._sessions = sessions
        self._telemetry = telemetry
        self._filed = ring.keys
        self._seen = _state(path)

    async def look(self) -> None:
        """One turn. Raises Unavailable when the store does not answer; the next turn goes on."""
        self._read_again()
        if len(self._ring.keys) > 1 and await self._reseal() < BATCH * BATCHES:
            self._drop_what_left()

    def _read_again(self) -> None:
        state = _state(self._path)
        if state == self._seen:
            return
        self._seen = state
        try:
            filed = read_keyring(self._path).keys
        except SettingsError as error:
            refusal = str(error)
        else:
            self._follow(filed)
            return
        self._telemetry.log.error("keys", what=refusal, doing="the keys of before hold")

    def _follow(self, filed: tuple[SealingKey, ...]) -> None:
        left = tuple(key for key in self._ring.keys if key not in filed)
        self._filed = filed
        self._ring.adopt(KeyRing(keys=(*filed, *left)))
        self._telemetry.log.info("keys", seals=filed[0].id.hex(), keys=len(filed), left=len(left))

    async def _reseal(self) -> int:
        """How many were sealed anew in this turn."""
        done = 0
        for _ in range(BATCHES):
            sealed = await self._sessions.reseal(BATCH)
            done += sealed
            if sealed < BATCH:
                break
        if done:
            self._telemetry.log.info("keys", resealed=done, seals=self._ring.keys[0].id.hex())
        return done

    def _drop_what_left(self) -> None:
        """Nothing is sealed under any key but the first now: what the file does not hold any more goes."""
        if self._ring.keys != self._filed:
            self._ring.adopt(KeyRing(keys=self._filed))


def _state(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced or written; None for none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
