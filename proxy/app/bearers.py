"""Bearer clients, out of the settings: whose tokens are taken, and the sessions that they begin."""

import secrets
import time
from contextlib import AsyncExitStack
from dataclasses import replace

from proxy.app import rules
from proxy.gate.arrival import Arrivals
from proxy.gate.bearer import Bearers, BearerWitness
from proxy.gate.bearer_arrival import BearerArrivals
from proxy.groups.claim import ClaimRules
from proxy.identity import IdpId
from proxy.oidc.access_tokens import AccessRules
from proxy.oidc.bearer import BearerTokens, IssuerRules
from proxy.oidc.introspection import IntrospectionRules
from proxy.oidc.rules import ClaimPaths, IdpRules
from proxy.oidc.transport import open_session
from proxy.settings.bearer import Bearer, Introspection
from proxy.settings.model import Settings


async def open_bearers(
    settings: Settings, arrivals: Arrivals, witness: BearerWitness, stack: AsyncExitStack
) -> Bearers | None:
    """None where no issuer is configured. Nothing is asked yet. Raises SettingsError for a `ca_file` without certificates."""
    if not settings.bearer:
        return None
    http = await stack.enter_async_context(open_session())
    return Bearers(
        BearerTokens([issuer_rules(one, settings) for one in settings.bearer], http),
        BearerArrivals(arrivals),
        arrivals.stores.sessions,
        witness,
        rules.refresh_rules(settings),
        holder=secrets.token_hex(8),
        clock=time.time,
    )


def issuer_rules(bearer: Bearer, settings: Settings) -> IssuerRules:
    """The rules of one issuer. The settings were checked: an IdP that is named is there."""
    idp = next((rules.idp_rules(one) for one in settings.idps if one.id == bearer.idp), None)
    access = AccessRules(
        idp=replace(idp or _own(bearer), signing_algorithms=frozenset(bearer.algorithms)),
        audiences=frozenset(bearer.audiences),
        scopes=frozenset(bearer.required_scopes),
        takes_plain_jwt=bearer.plain_jwt,
    )
    asked = bearer.introspection
    return IssuerRules(
        access=access,
        jwks_url=bearer.jwks_url,
        introspection=_introspection(asked) if asked is not None else None,
    )


def _own(bearer: Bearer) -> IdpRules:
    """An issuer that nobody signs in at: there is no client of ours."""
    claims = bearer.claims
    return IdpRules(
        id=IdpId(bearer.name),
        name=bearer.name,
        issuer=bearer.issuer or "",
        client_id="",
        groups=ClaimRules(paths=claims.groups, separator=bearer.groups_separator),
        claims=ClaimPaths(
            email=claims.email,
            email_verified=claims.email_verified,
            name=claims.name,
            username=claims.username,
        ),
        is_email_trusted=bearer.trust_email,
        timeout=bearer.timeout,
        ca_file=str(bearer.ca_file) if bearer.ca_file else None,
    )


def _introspection(asked: Introspection) -> IntrospectionRules:
    return IntrospectionRules(
        url=asked.url, client_id=asked.client_id, secret=asked.client_secret.reader(), kept=asked.kept
    )
