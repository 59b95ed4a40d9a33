"""Signs assertions with the first key of the ring, and says which public keys verify those that are about.

A key is published while it is in the ring, and after that for as long as an assertion that it signed may live: apps verify what
was signed a moment before a rotation. A key that only opens is published too, so that apps know it before it signs.
"""

from collections.abc import Callable, Mapping
from typing import Final

import jwt

from proxy.gate.assertion import Asserted, AssertionRules, person_claims, renew_at, time_claims
from proxy.gate.assertion_keys import AssertionKey, assertion_key
from proxy.gate.headers import IdentityHeaders
from proxy.session.codec import KeyRing, SealingKey
from proxy.session.model import Ready, Session

LEEWAY: Final = 60.0
"""Seconds that an app's clock may be late."""


class Assertions:
    """One process's. `told` is what the identity headers say of a session."""

    def __init__(
        self,
        ring: KeyRing,
        rules: AssertionRules,
        told: Callable[[Session, Ready], IdentityHeaders],
    ) -> None:
        self._ring = ring
        self._rules = rules
        self._told = told
        self._keys: dict[SealingKey, AssertionKey] = {}
        self._last_in_ring: dict[SealingKey, float] = {}

    def mint(self, session: Session, account: Ready, now: float) -> Asserted:
        """A new assertion about this session, as the line that is sent."""
        key = self._look(now)[0].signing
        claims = {
            **person_claims(session, self._told(session, account), self._rules),
            **time_claims(self._rules, now),
        }
        token = jwt.encode(claims, key.key, algorithm=key.algorithm, headers={"kid": key.id})
        line = f"{self._rules.header}: {token}\r\n".encode("ascii")
        return Asserted(line=line, renew_at=renew_at(self._rules, now))

    def published(self, now: float) -> tuple[Mapping[str, str], ...]:
        """The public keys (RFC 7517), the one that signs first."""
        return tuple(key.published for key in self._look(now))

    def _look(self, now: float) -> tuple[AssertionKey, ...]:
        """Keys of the ring in its order, then those that left it lately."""
        ring = self._ring.keys
        self._last_in_ring |= dict.fromkeys(ring, now)
        self._forget_before(now - self._rules.life - LEEWAY)
        for sealing in self._last_in_ring.keys() - self._keys.keys():
            self._keys[sealing] = assertion_key(sealing)
        left = [sealing for sealing in self._last_in_ring if sealing not in ring]
        return tuple(self._keys[sealing] for sealing in (*ring, *left))

    def _forget_before(self, then: float) -> None:
        for sealing in [one for one, at in self._last_in_ring.items() if at < then]:
            del self._last_in_ring[sealing]
            self._keys.pop(sealing, None)
