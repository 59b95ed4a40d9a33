"""What the signed assertion says of a session (semantics §10.2): a pure look at what the identity headers say, and a little more.

`sub` is `IDP:SUBJECT`: subjects are unique for one issuer only (RFC 7519 §4.1.2), and here Muster is the issuer. There is no
`jti`: one assertion goes with every request of some minutes, so an app that took each id once would refuse the second request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from proxy.gate.headers import IdentityHeaders
from proxy.session.model import Session

RENEWED_SHARE: Final = 0.8
"""Of its life an assertion is sent; what is left is for the app to read it in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionRules:
    """`header` carries it; `issuer` is the public URL without a trailing slash; `life` is seconds."""

    header: str
    issuer: str
    audience: str
    life: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """A header line (`Name: value` and CRLF), and when another must take its place: before the assertion expires."""

    line: bytes
    renew_at: float


def person_claims(session: Session, told: IdentityHeaders, rules: AssertionRules) -> Mapping[str, Any]:
    """Everything but the times. What is not known is absent; `groups` that are known to be none are an empty list."""
    stated = {
        "iss": rules.issuer,
        "aud": rules.audience,
        "sub": f"{session.idp}:{session.subject.subject}",
        "idp": session.idp,
        "app_user": told.user,
        "email": told.email,
        "name": session.identity.name,
        "preferred_username": told.username,
        "groups": None if told.groups is None else list(told.groups),
    }
    return {name: value for name, value in stated.items() if value is not None}


def time_claims(rules: AssertionRules, now: float) -> Mapping[str, int]:
    """`exp` is never later than `life` from now: whole seconds, rounded down."""
    return {"iat": int(now), "nbf": int(now), "exp": int(now + rules.life)}


def renew_at(rules: AssertionRules, now: float) -> float:
    return now + rules.life * RENEWED_SHARE
