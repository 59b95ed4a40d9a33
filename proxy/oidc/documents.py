"""What an IdP publishes, fetched when first needed, kept while it lives, and kept on while the IdP is down.

Start-up never depends on it. However many callers wait, one fetch is under way; after a failure the IdP is left alone
for a cool-off. Keys that did not verify a token are fetched again: at most every ten seconds for tokens that anybody can send,
every second for those that the IdP itself just gave us, so that no stream of forged tokens keeps a sign-in from newer keys.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeAlias, TypeVar

from proxy.errors import NotTrusted
from proxy.oidc.json_body import read_json_object
from proxy.oidc.keys import KeySet, read_keys
from proxy.oidc.metadata import Metadata, discovery_url, read_metadata
from proxy.oidc.rules import IdpRules
from proxy.oidc.transport import Transport
from proxy.session.model import Misconfigured, Trouble

COOL_OFF: Final = 10.0
"""Seconds after a failed fetch, or between fetches of keys that a token from anybody asked for."""

OWN_COOL_OFF: Final = 1.0
"""Seconds between fetches of keys that a token out of the IdP's own answer asked for; after a failed one `COOL_OFF`."""

LIFE: Final = 3600.0
"""Seconds after which a copy is renewed, so that a withdrawn key does not verify for ever."""

T = TypeVar("T")
Unready: TypeAlias = Trouble | Misconfigured


class Kept(Generic[T]):
    """One document and how it was last fetched. Times are seconds since the epoch, as callers state them."""

    def __init__(self, fetch: Callable[[float], Awaitable[T | Unready]]) -> None:
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._fault: Unready | None = None
        self._fetched_at = 0.0
        self._tried_at = 0.0
        self._own_tried_at = 0.0
        self._own_cool_off = OWN_COOL_OFF

    async def get(self, now: float) -> T | Unready:
        """The document; an old copy rather than none."""
        if self._value is not None and self._is_within(self._fetched_at, LIFE, now):
            return self._value
        async with self._lock:
            if self._is_wanted(now):
                await self._renew(now)
        return self._value if self._value is not None else self._failure()

    async def newer_than(self, seen: T, now: float, *, is_from_idp: bool = False) -> T | Unready:
        """A copy younger than the question asked at `now`, which `seen` did not answer.

        Too soon after the last look, a stranger's question gets `seen` itself: it is what the IdP publishes; a fault only where
        that look failed. `is_from_idp`: what asks came out of the IdP's own answer to us. Strangers do not delay it, and it
        is told Trouble while it is too soon for itself: the IdP did sign it, so it is not bad for want of a key.
        """
        async with self._lock:
            if self._value is not seen or self._fetched_at >= now:
                return self._value if self._value is not None else self._failure()
            if self._is_too_soon(is_from_idp, now):
                return self._fault or (Trouble(detail="keys_asked_lately") if is_from_idp else seen)
            answer = await self._renew(now)
            if is_from_idp:
                self._own_tried_at = now
                self._own_cool_off = OWN_COOL_OFF if self._fault is None else COOL_OFF
            return answer

    async def _renew(self, now: float) -> T | Unready:
        self._tried_at = now
        answer = await self._fetch(now)
        if isinstance(answer, Trouble | Misconfigured):
            self._fault = answer
            return answer
        self._value, self._fault, self._fetched_at = answer, None, now
        return answer

    def _is_wanted(self, now: float) -> bool:
        """Looked at again under the lock: another caller may have fetched, or failed, meanwhile."""
        if self._value is not None and self._is_within(self._fetched_at, LIFE, now):
            return False
        return self._fault is None or not self._is_within(self._tried_at, COOL_OFF, now)

    def _is_too_soon(self, is_from_idp: bool, now: float) -> bool:
        if is_from_idp:
            return self._is_within(self._own_tried_at, self._own_cool_off, now)
        return self._is_within(self._tried_at, COOL_OFF, now)

    def _failure(self) -> Unready:
        return self._fault or Trouble(detail="not_fetched")

    @staticmethod
    def _is_within(start: float, seconds: float, now: float) -> bool:
        """False also when the clock went back behind `start`, so that a wrong clock never blocks a fetch."""
        return 0 <= now - start < seconds


class Documents:
    """One IdP's metadata and keys."""

    def __init__(self, rules: IdpRules, transport: Transport) -> None:
        self._rules = rules
        self._transport = transport
        self._metadata = Kept(self._fetch_metadata)
        self._keys = Kept(self._fetch_keys)

    async def metadata(self, now: float) -> Metadata | Unready:
        return await self._metadata.get(now)

    async def keys(self, now: float) -> KeySet | Unready:
        return await self._keys.get(now)

    async def newer_keys(self, seen: KeySet, now: float, *, is_from_idp: bool = False) -> KeySet | Unready:
        """Keys after a rotation; `seen` did not verify a token that came after `now`."""
        return await self._keys.newer_than(seen, now, is_from_idp=is_from_idp)

    async def _fetch_metadata(self, now: float) -> Metadata | Unready:
        document = await self._fetch(discovery_url(self._rules.issuer))
        if not isinstance(document, dict):
            return document
        try:
            is_mutual_tls = self._rules.client_auth.is_mutual_tls
            return read_metadata(document, self._rules.issuer, is_mutual_tls=is_mutual_tls)
        except NotTrusted as refusal:
            return Misconfigured(code=refusal.code)

    async def _fetch_keys(self, now: float) -> KeySet | Unready:
        metadata = await self.metadata(now)
        if not isinstance(metadata, Metadata):
            return metadata
        document = await self._fetch(metadata.jwks_uri)
        if not isinstance(document, dict):
            return document
        try:
            return read_keys(document)
        except NotTrusted as refusal:
            return Misconfigured(code=refusal.code)

    async def _fetch(self, url: str) -> dict[str, object] | Trouble:
        """A published document. Whatever is wrong with its transport is Trouble: it may be right a minute later."""
        answer = await self._transport.get(url)
        if isinstance(answer, Trouble):
            return answer
        if answer.status != 200:
            return Trouble(detail=f"http_{answer.status}", retry_after=answer.retry_after)
        document = read_json_object(answer.body, answer.content_type)
        return Trouble(detail="not_json") if document is None else document
