"""The IdPs, as the keeper meets them: the right client for each session."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.identity import IdpId
from proxy.oidc.client import OidcClient
from proxy.reasons import Reason
from proxy.session.model import AskAgain, Misconfigured, RefreshOutcome, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTheRightIdp:
    """Refreshes a session at the IdP that issued its tokens; where one IdP is enforced, at that one only."""

    clients: Mapping[IdpId, OidcClient]
    enforced: IdpId | None = None

    async def __call__(self, session: Session, now: float) -> RefreshOutcome:
        client = self.clients.get(session.idp)
        if client is None:
            # The operator took the IdP out of the configuration: nobody can be asked, nobody said no.
            return Misconfigured(code="idp_not_configured")
        if self.enforced not in (None, session.idp):
            # No word about the person: the session ends, no timer starts, and the browser is sent to the enforced IdP.
            return AskAgain(code="idp_not_enforced", reason=Reason.IDP_NOT_ALLOWED)
        return await client.refresh(session, now)
