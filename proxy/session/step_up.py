"""How well and how lately a person must have proved who they are, for what they ask for (step-up: OpenID Connect Core §3.1.2.1,
RFC 9470).

| demanded | met by |
|---|---|
| `acr_values` | an ID token of this session that says one of them |
| `max_age` | an ID token of this session with an `auth_time` not older than that, with one leeway for both clocks |

What the IdP did not say is not met: nobody is taken to have proved what no token states.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proxy.session.model import Authentication

LEEWAY: Final = 60.0
"""Seconds by which the IdP's clock and ours may differ. The same at the gate and at the callback: else one would send people
back to the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One of `acr_values`, in the order of preference (empty: any), and at most `max_age` seconds ago (None: whenever)."""

    acr_values: tuple[str, ...] = ()
    max_age: int | None = None

    def is_met(self, authentication: Authentication, now: float) -> bool:
        """By the table above. An `auth_time` in the future proves nothing."""
        if self.acr_values and authentication.acr not in self.acr_values:
            return False
        if self.max_age is None:
            return True
        at = authentication.at
        return at is not None and -LEEWAY <= now - at <= self.max_age + LEEWAY

    def parameters(self) -> Mapping[str, str]:
        """As they stand in an authorization request."""
        acr_values = {"acr_values": " ".join(self.acr_values)} if self.acr_values else {}
        return {**acr_values, **({} if self.max_age is None else {"max_age": str(self.max_age)})}


def continued(earlier: Authentication, stated: Authentication) -> Authentication:
    """What holds after a silent sign-in of the same person. It showed nothing, so it is no new authentication unless it says so.

    An IdP that was not asked for `acr` or `auth_time` may leave them out; as after a refresh, the earlier ones then hold.
    """
    if stated.at is not None and stated.at != earlier.at:
        return stated
    return Authentication(
        acr=earlier.acr if stated.acr is None else stated.acr,
        amr=stated.amr or earlier.amr,
        at=earlier.at,
    )
