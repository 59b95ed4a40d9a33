"""Sign-in attempts in the browser: each sealed into a cookie of its own, at most ten and 6 KiB of them, for ten minutes."""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from proxy.oidc.flow import Attempt, unpack
from proxy.session.codec import NONCE_BYTES, open_sealed, seal
from proxy.session.cookie import (
    ATTEMPT_SECONDS,
    attempt_cookie_name,
    clear_cookie,
    set_cookie,
    surplus_attempts,
)
from proxy.web.parts import WebParts

PURPOSE = "sign-in attempt"


def state_hash(state: str) -> str:
    """What the store remembers of a redeemed attempt."""
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()


def kept(parts: WebParts, attempt: Attempt, cookies: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Set-Cookie fields that keep an attempt, after clearing the oldest where the browser holds too many of its `cookies`."""
    is_secure = parts.site.is_cookie_secure
    name = attempt_cookie_name(attempt.state, is_secure=is_secure)
    sealed = seal(parts.keys, PURPOSE, name.encode(), attempt.pack(), parts.entropy(NONCE_BYTES))
    value = urlsafe_b64encode(sealed).rstrip(b"=").decode()
    held = {old: sum(len(old) + len(one) + 3 for one in values) for old, values in cookies.items()}
    surplus = surplus_attempts(held, len(name) + len(value) + 3, is_secure=is_secure)
    return [
        *(("Set-Cookie", clear_cookie(old, is_secure=is_secure)) for old in surplus),
        ("Set-Cookie", set_cookie(name, value, is_secure=is_secure, max_age=ATTEMPT_SECONDS)),
    ]


def opened(parts: WebParts, state: str, value: str | None) -> Attempt | None:
    """The attempt that this state names, out of its cookie; None for anything that we did not seal for it."""
    if value is None or not value.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        return None
    name = cookie_of(parts, state)
    plaintext = open_sealed(parts.keys, PURPOSE, name.encode(), sealed)
    return None if plaintext is None else unpack(plaintext)


def cookie_of(parts: WebParts, state: str) -> str:
    return attempt_cookie_name(state, is_secure=parts.site.is_cookie_secure)


def forgotten(parts: WebParts, state: str) -> tuple[str, str]:
    """The Set-Cookie field that clears an attempt."""
    return ("Set-Cookie", clear_cookie(cookie_of(parts, state), is_secure=parts.site.is_cookie_secure))
