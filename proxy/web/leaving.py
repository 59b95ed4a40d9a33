"""On the way out through the IdP: what the operator wants, and the state that proves where a browser comes back from.

The state is random, and names a cookie of this browser in which the IdP's id is sealed, as a sign-in attempt is: who comes
back with it was at that IdP's sign-out (RP-Initiated Logout 1.0 §2). Whoever comes back without is told only what is certain.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from proxy.identity import IdpId
from proxy.session.codec import KeyRing, open_sealed, seal
from proxy.session.cookie import ATTEMPT_SECONDS, attempt_cookie_name, clear_cookie, set_cookie

PURPOSE: Final = "sign-out"
STATE_BYTES: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingRules:
    """The operator's word. `front_channel` are the IdPs whose front-channel logout is obeyed."""

    goes_to_idp: bool = True
    return_to: str | None = None
    front_channel: frozenset[IdpId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A browser on its way to an IdP's sign-out: the state that goes along, and the cookie that stays."""

    state: str
    set_cookie: str


def depart(ring: KeyRing, idp: IdpId, *, is_secure: bool, entropy: bytes) -> Departure:
    """`entropy` is `STATE_BYTES + NONCE_BYTES` random bytes."""
    state = urlsafe_b64encode(entropy[:STATE_BYTES]).decode()
    name = attempt_cookie_name(state, is_secure=is_secure)
    sealed = seal(ring, PURPOSE, name.encode(), idp.encode(), entropy[STATE_BYTES:])
    value = urlsafe_b64encode(sealed).rstrip(b"=").decode()
    cookie = set_cookie(name, value, is_secure=is_secure, max_age=ATTEMPT_SECONDS)
    return Departure(state=state, set_cookie=cookie)


def departed_to(ring: KeyRing, state: str, cookie: str | None, *, is_secure: bool) -> IdpId | None:
    """The IdP that this browser left for with this state; None for any other."""
    if cookie is None or not cookie.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
    except (binascii.Error, ValueError):
        return None
    name = attempt_cookie_name(state, is_secure=is_secure)
    idp = open_sealed(ring, PURPOSE, name.encode(), sealed)
    return None if idp is None else IdpId(idp.decode())


def returned(state: str, *, is_secure: bool) -> tuple[str, str]:
    """The Set-Cookie field that forgets a departure."""
    return ("Set-Cookie", clear_cookie(attempt_cookie_name(state, is_secure=is_secure), is_secure=is_secure))


def origin_of(url: str) -> str:
    """Scheme, host and port, as a content policy names a source."""
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc}"
