"""Reads a bearer token, whosever it is: a JWT by its issuer's keys, an opaque one by introspection. Every answer is a value.

A token is shown to nobody but its issuer. A JWT names it (that is only believed once the signature holds); an opaque token
names nobody, so at most one issuer is asked about such.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import aiohttp

from proxy.errors import NotTrusted
from proxy.identity import Identity, IdpId
from proxy.oidc.access_tokens import (
    AccessClaims,
    AccessRules,
    InsufficientScope,
    looks_like_jwt,
    read_introspection,
    verify_access_token,
)
from proxy.oidc.claims import authentication_of, identity_in_access_token
from proxy.oidc.documents import Documents, Kept, Unready
from proxy.oidc.introspection import IntrospectionRules, introspect
from proxy.oidc.json_body import read_json_object
from proxy.oidc.keys import KeySet, read_keys
from proxy.oidc.rotation import PublishedKeys, checked
from proxy.oidc.tokens import stated_claims
from proxy.oidc.transport import Answer, Transport
from proxy.session.model import Authentication, Misconfigured, Trouble

UNKNOWN: IdpId = IdpId("unknown")
"""Stands where no configured issuer is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRules:
    """One issuer of bearer tokens. `jwks_url` None: where its discovery document says. `introspection` None: no opaque ones."""

    access: AccessRules
    jwks_url: str | None = None
    introspection: IntrospectionRules | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A token that is good now. `good_until` None: nobody said; `look_again_after`: seconds, None for as long as it is good."""

    identity: Identity
    good_until: float | None = None
    look_again_after: float | None = None
    authentication: Authentication = field(default_factory=Authentication)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """No token for us, and why; `is_for_scope`: it is good, but not for this."""

    idp: IdpId
    code: str
    is_for_scope: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """Nobody could be asked: nothing is known about the token."""

    idp: IdpId
    why: Trouble | Misconfigured


Reading: TypeAlias = Proved | Rejected | Unheard


class BearerTokens:
    """Every configured issuer, over one HTTP session. At most one has introspection (settings check it)."""

    def __init__(self, rules: Iterable[IssuerRules], http: aiohttp.ClientSession) -> None:
        self._issuers = {one.access.idp.issuer: _Issuer(one, http) for one in rules}
        self._introspecting = next((one for one in self._issuers.values() if one.introspects), None)

    async def read(self, token: str, now: float) -> Reading:
        """What the token proves at `now`."""
        try:
            issuer = self._issuer_of(token)
        except NotTrusted as refusal:
            return Rejected(idp=UNKNOWN, code=refusal.code)
        if issuer is None:
            return Rejected(idp=UNKNOWN, code="issuer_unknown")
        return await issuer.read(token, now)

    def _issuer_of(self, token: str) -> "_Issuer | None":
        if not looks_like_jwt(token):
            return self._introspecting
        stated = stated_claims(token).get("iss")
        return self._issuers.get(stated) if isinstance(stated, str) else None


class _Issuer:
    def __init__(self, rules: IssuerRules, http: aiohttp.ClientSession) -> None:
        self._rules = rules
        self._transport = Transport(rules.access.idp, http)
        self._keys: PublishedKeys = (
            Documents(rules.access.idp, self._transport)
            if rules.jwks_url is None
            else _KeysAt(rules.jwks_url, self._transport)
        )

    @property
    def introspects(self) -> bool:
        return self._rules.introspection is not None

    async def read(self, token: str, now: float) -> Reading:
        idp = self._rules.access.idp
        try:
            claims = await (self._verified(token, now) if looks_like_jwt(token) else self._asked(token, now))
        except NotTrusted as refusal:
            is_for_scope = isinstance(refusal, InsufficientScope)
            return Rejected(idp=idp.id, code=refusal.code, is_for_scope=is_for_scope)
        if not isinstance(claims, AccessClaims):
            return Unheard(idp=idp.id, why=claims)
        asked = self._rules.introspection if not looks_like_jwt(token) else None
        return Proved(
            identity=identity_in_access_token(claims, idp, now=now),
            good_until=claims.good_until,
            look_again_after=asked.kept if asked else None,
            authentication=authentication_of(claims),
        )

    async def _verified(self, token: str, now: float) -> AccessClaims | Unready:
        def check(keys: KeySet) -> AccessClaims:
            return verify_access_token(token, keys, self._rules.access, now=now)

        return await checked(self._keys, check, now)

    async def _asked(self, token: str, now: float) -> AccessClaims | Unready:
        assert self._rules.introspection is not None, "an opaque token is given to an issuer that is asked"
        answer = await introspect(token, self._rules.introspection, self._transport)
        if isinstance(answer, Trouble | Misconfigured):
            return answer
        return read_introspection(answer, self._rules.access, now=now)


class _KeysAt:
    """Keys at an address that the operator names, for issuers without a discovery document."""

    def __init__(self, url: str, transport: Transport) -> None:
        self._url = url
        self._transport = transport
        self._kept: Kept[KeySet] = Kept(self._fetch)

    async def keys(self, now: float) -> KeySet | Unready:
        return await self._kept.get(now)

    async def newer_keys(self, seen: KeySet, now: float, *, is_from_idp: bool = False) -> KeySet | Unready:
        return await self._kept.newer_than(seen, now, is_from_idp=is_from_idp)

    async def _fetch(self, now: float) -> KeySet | Unready:
        answer = await self._transport.get(self._url)
        if not isinstance(answer, Answer):
            return answer
        document = read_json_object(answer.body, answer.content_type) if answer.status == 200 else None
        if document is None:
            return Trouble(detail=f"http_{answer.status}", retry_after=answer.retry_after)
        try:
            return read_keys(document)
        except NotTrusted as refusal:
            return Misconfigured(code=refusal.code)
