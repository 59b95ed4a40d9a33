"""The IdPs, as the keeper meets them: the right client for each session."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.identity import IdpId
from proxy.oidc.client import OidcClient
from proxy.session.model import Misconfigured, RefreshOutcome, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTheRightIdp:
    """Refreshes a session at the IdP that issued its tokens."""

    clients: Mapping[IdpId, OidcClient]

    async def __call__(self, session: Session, now: float) -> RefreshOutcome:
        client = self.clients.get(session.idp)
        if client is None:
            # The operator took the IdP out of the configuration: nobody can be asked, nobody said no.
            return Misconfigured(code="idp_not_configured")
        return await client.refresh(session, now)
