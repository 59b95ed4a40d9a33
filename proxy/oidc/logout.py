"""Checks a logout token in full; the only maker of `LogoutToken` (OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6).

| checked              | rule                                                                  | code                           |
|----------------------|-----------------------------------------------------------------------|--------------------------------|
| form, `alg`, key,    | as of an ID token (`tokens.py`); `typ` is `logout+jwt`, `JWT` or      | token_malformed, …             |
| signature            | absent: another explicitly typed JWT is none                          |                                |
| `iss`, `aud`, times  | as of an ID token; one that lives for more than a day is taken as     | issuer_mismatch, expired, …    |
|                      | living for one day                                                    |                                |
| `events`             | an object with the member `EVENT`, whose value is an object           | event_missing                  |
| `nonce`              | not there: an ID token is no logout token, and the other way round    | nonce_present                  |
| `sub`, `sid`         | at least one                                                          | person_missing                 |
|                      | each valid where it is there                                          | subject_invalid, sid_invalid   |
| `jti`                | text; whether it came before is asked of the store by the endpoint    | jti_missing                    |

A failure raises NotTrusted with the code and nothing of the token.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from proxy.errors import NotTrusted
from proxy.identity import Subject
from proxy.oidc.keys import KeySet
from proxy.oidc.rules import IdpRules
from proxy.oidc.tokens import LEEWAY, check_audience, check_subject, check_times, verified_payload

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
MOST_TOKEN: Final = 16 * 1024
"""Characters; a logout token names one person or session and has no list in it."""

_LONGEST_LIFE: Final = 86_400.0
_TYPES: Final = frozenset({"jwt", "logout+jwt", "application/logout+jwt"})
_PROOF: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutToken:
    """Whom the IdP signed out: one session of its own, all of a person's, or one person's part in one session.

    `good_until` is when it could no longer be presented, leeway included: so long its `jti` is to be remembered.
    Made by `verify_logout_token` alone: the type is the proof.
    """

    sid: str | None
    subject: Subject | None
    jti: str
    good_until: float
    proof: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.proof is not _PROOF:
            raise TypeError("only verify_logout_token makes a LogoutToken")


def verify_logout_token(token: str, keys: KeySet, *, rules: IdpRules, now: float) -> LogoutToken:
    """What a token says that passes every row of the table; NotTrusted with a code otherwise."""
    _, payload = verified_payload(token, keys, rules=rules, is_type=_is_logout_type)
    check_audience(payload, rules)
    good_until = _check_life(payload, now)
    _check_event(payload)
    if "nonce" in payload:
        raise NotTrusted("nonce_present")
    subject = check_subject(payload, rules) if payload.get("sub") is not None else None
    sid = _sid(payload)
    if subject is None and sid is None:
        raise NotTrusted("person_missing")
    return LogoutToken(sid=sid, subject=subject, jti=_jti(payload), good_until=good_until, proof=_PROOF)


def _is_logout_type(declared: object) -> bool:
    return declared is None or (isinstance(declared, str) and declared.lower() in _TYPES)


def _check_life(payload: Mapping[str, object], now: float) -> float:
    """Until when the token may be presented. Its `exp` was read and found good by `check_times`."""
    issued_at = check_times(payload, now)
    stated = payload["exp"]
    assert isinstance(stated, int | float), "checked above"
    expires_at = min(float(stated), issued_at + _LONGEST_LIFE)
    if now - LEEWAY >= expires_at:
        raise NotTrusted("expired")
    return expires_at + LEEWAY


def _check_event(payload: Mapping[str, object]) -> None:
    """Other events beside ours are none of our business (RFC 8417 §2.2)."""
    events = payload.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise NotTrusted("event_missing")


def _sid(payload: Mapping[str, object]) -> str | None:
    stated = payload.get("sid")
    if stated is None:
        return None
    if not isinstance(stated, str) or not stated:
        raise NotTrusted("sid_invalid")
    return stated


def _jti(payload: Mapping[str, object]) -> str:
    stated = payload.get("jti")
    if not isinstance(stated, str) or not stated:
        raise NotTrusted("jti_missing")
    return stated
