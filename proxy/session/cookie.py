"""The session cookie and the names of the sign-in attempts' cookies.

The session cookie is 32 random bytes and nothing else: what it opens is in the store, under its SHA-256. Whatever else a
client sends in its place is no cookie at all. The prefix `__Host-` binds it to this host, to `/` and to a secure
origin (RFC 6265bis §4.1.3.2); on plain http an operator may ask for `muster` instead, and then only that name counts.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Final

from proxy.session.model import SessionKey

ENTROPY_BYTES: Final = 32
VALUE_LENGTH: Final = 43
MAX_ATTEMPTS: Final = 10
MOST_ATTEMPT_BYTES: Final = 6 * 1024
"""Of all attempts' cookies together, as a browser sends them: proxies in front often take 8 KiB of one field."""
ATTEMPT_SECONDS: Final = 600

_SECURE_PREFIX: Final = "__Host-"
_NAME: Final = "muster"
_STATE_DIGITS: Final = 16


def cookie_name(*, is_secure: bool) -> str:
    """`__Host-muster`, or `muster` on plain http; never both are accepted."""
    return _SECURE_PREFIX + _NAME if is_secure else _NAME


def new_cookie(entropy: bytes) -> str:
    """A cookie's value out of 32 random bytes: base64url without padding, 43 characters."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError("a session cookie is made of 32 random bytes")
    return urlsafe_b64encode(entropy).rstrip(b"=").decode("ascii")


def session_key(cookie_value: bytes) -> SessionKey | None:
    """The store's key of a cookie, or None for any bytes that `new_cookie` could not have made.

    One cookie has one spelling: padding, the other alphabet or stray low bits in the last character are refused.
    """
    if len(cookie_value) != VALUE_LENGTH:
        return None
    try:
        secret = urlsafe_b64decode(cookie_value + b"=")
    except (NotBase64, ValueError):
        return None
    if urlsafe_b64encode(secret).rstrip(b"=") != cookie_value:
        return None
    return SessionKey(hashlib.sha256(secret).hexdigest())


def set_cookie(name: str, value: str, *, is_secure: bool, max_age: int | None = None) -> str:
    """A Set-Cookie header's value. `max_age` in seconds; None lasts as long as the browser runs."""
    lifetime = "" if max_age is None else f"; Max-Age={max_age}"
    secure = "; Secure" if is_secure else ""
    return f"{name}={value}; Path=/{lifetime}{secure}; HttpOnly; SameSite=Lax"


def clear_cookie(name: str, *, is_secure: bool) -> str:
    """A Set-Cookie header's value that makes the browser forget the cookie."""
    return set_cookie(name, "", is_secure=is_secure, max_age=0)


def attempt_cookie_name(state: str, *, is_secure: bool) -> str:
    """The cookie that holds one sign-in attempt, named by its state: two tabs never overwrite each other's."""
    digest = hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
    return _attempt_prefix(is_secure) + digest[:_STATE_DIGITS]


def is_attempt_cookie(name: str, *, is_secure: bool) -> bool:
    """Whether a name is one that `attempt_cookie_name` could have made."""
    prefix = _attempt_prefix(is_secure)
    digits = name.removeprefix(prefix)
    return name.startswith(prefix) and len(digits) == _STATE_DIGITS and set(digits) <= set("0123456789abcdef")


def attempt_pattern(*, is_secure: bool) -> str:
    """A regular expression for `is_attempt_cookie`."""
    return f"{_attempt_prefix(is_secure)}[0-9a-f]{{{_STATE_DIGITS}}}"


def surplus_attempts(held: Mapping[str, int], coming: int, *, is_secure: bool) -> tuple[str, ...]:
    """The attempt cookies to clear before one of `coming` bytes is set, so that a browser holds at most ten of them and at most
    `MOST_ATTEMPT_BYTES` in all.

    `held`: the bytes of each cookie in the order the browser sent them: for one path that is the oldest first (RFC 6265 §5.4).
    """
    attempts = [name for name in held if is_attempt_cookie(name, is_secure=is_secure)]
    size, surplus = coming + sum(held[name] for name in attempts), 0
    while surplus < len(attempts) and (len(attempts) - surplus >= MAX_ATTEMPTS or size > MOST_ATTEMPT_BYTES):
        size -= held[attempts[surplus]]
        surplus += 1
    return tuple(attempts[:surplus])


def _attempt_prefix(is_secure: bool) -> str:
    return cookie_name(is_secure=is_secure) + "-a-"
