"""Checks a token with the IdP's keys, looking for newer ones once where a rotation would explain a failure."""

from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from proxy.errors import NotTrusted
from proxy.oidc.keys import KeySet
from proxy.session.model import Misconfigured, Trouble

T = TypeVar("T")

ROTATION_CODES: Final = frozenset({"key_unknown", "key_ambiguous", "signature_bad"})
"""What a token signed under a key that we have not seen yet looks like."""


class PublishedKeys(Protocol):
    """Where keys come from; `documents.Documents` is it."""

    async def keys(self, now: float) -> KeySet | Trouble | Misconfigured: ...

    async def newer_keys(
        self, seen: KeySet, now: float, *, is_from_idp: bool = False
    ) -> KeySet | Trouble | Misconfigured: ...


async def checked(
    published: PublishedKeys, check: Callable[[KeySet], T], now: float, *, is_from_idp: bool = False
) -> T | Trouble | Misconfigured:
    """What `check` makes of the token; Trouble or Misconfigured when no keys can be had. Raises what `check` raises.

    Where the IdP publishes no other keys, a signature that none of them made is a bad one, not trouble. `is_from_idp`: the
    token came in the IdP's own answer to us, not from whoever can send one.
    """
    keys = await published.keys(now)
    if not isinstance(keys, tuple):
        return keys
    try:
        return check(keys)
    except NotTrusted as refusal:
        if refusal.code not in ROTATION_CODES:
            raise
        newer = await published.newer_keys(keys, now, is_from_idp=is_from_idp)
        if newer is keys:
            raise
    return check(newer) if isinstance(newer, tuple) else newer
