"""What a client's Authorization says, where no cookie of ours comes with it (RFC 6750 §2.1)."""

import hashlib
import re
from enum import Enum
from typing import Final, Literal, TypeAlias

from proxy.gate.decision import Request
from proxy.session.model import SessionKey

_BEARER: Final = re.compile(rb"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)
_SCHEME: Final = re.compile(rb"bearer(?:[ ,]|\Z)", re.IGNORECASE)
_PURPOSE: Final = b"muster: the session of a bearer token\0"
"""Longer than the 32 bytes behind a cookie: no cookie opens what a token began, whatever token somebody makes up."""


class Doubled(Enum):
    """The type of `DOUBLED`; an Enum so that `is` narrows the union."""

    DOUBLED = "doubled"


DOUBLED: Final = Doubled.DOUBLED
"""Two Authorization fields: the app might read the other one."""

Presented: TypeAlias = bytes | Literal[Doubled.DOUBLED] | None


def presented(request: Request) -> Presented:
    """The value of the one Authorization field. None without any, and for a scheme other than Bearer: the app's affair."""
    if b"authorization" not in request.names:
        return None
    if request.names.count(b"authorization") > 1:
        return DOUBLED
    value = request.headers[request.names.index(b"authorization")][1]
    return value if _SCHEME.match(value) else None


def cache_name(value: bytes) -> bytes:
    """Under which a token's session is cached. A field's value holds no NUL: no cookie is equal to one."""
    return b"\0" + value


def token_in(value: bytes) -> str | None:
    """The token in a field's value; None when that is none."""
    match = _BEARER.fullmatch(value.strip(b" \t"))
    return match[1].decode("ascii") if match else None


def bearer_key(token: str) -> SessionKey:
    """The store's key of the session that a token began; the token itself is kept nowhere."""
    return SessionKey(hashlib.sha256(_PURPOSE + token.encode("ascii")).hexdigest())
