"""What a sign-in or a refresh at the tampering IdP comes to."""

from typing import Any

import pytest

from proxy.errors import NotTrusted
from proxy.oidc.client import OidcClient, SignedIn
from proxy.session.model import Ready, RefreshOutcome, Session, SessionKey
from tests.fakes.idp import NOW, FakeIdp, sign_in

LATER = NOW + 3600.0


async def signs_in(client: OidcClient, idp: FakeIdp, now: float = NOW) -> SignedIn:
    result = await sign_in(client, idp, now=now)
    assert isinstance(result, SignedIn), result
    return result


async def refused(client: OidcClient, idp: FakeIdp, now: float = NOW) -> str:
    """The code that a sign-in is refused with."""
    with pytest.raises(NotTrusted) as refusal:
        await sign_in(client, idp, now=now)
    return refusal.value.code


async def refreshed(client: OidcClient, idp: FakeIdp, **altered: Any) -> RefreshOutcome:
    """A sign-in, and what the refresh an hour later comes to with these claims in its ID token; None leaves one out."""
    signed_in = await signs_in(client, idp)
    idp.now = LATER
    idp.claims = lambda claims: {
        name: value for name, value in {**claims, **altered}.items() if value is not None
    }
    session = Session(
        key=SessionKey("k"),
        subject=signed_in.identity.subject,
        idp=signed_in.identity.idp,
        identity=signed_in.identity,
        account=Ready(login="alice"),
        tokens=signed_in.tokens,
        created_at=NOW,
        last_seen_at=NOW,
        refreshed_at=NOW,
        due_at=LATER,
    )
    return await client.refresh(session, LATER)
