"""The OpenID Foundation's relying-party certification, front-channel logout, with the refusals that the specification demands."""

from dataclasses import replace
from urllib.parse import urlencode

from proxy.identity import IdpId
from proxy.oidc.client import OidcClient, SignedIn
from proxy.session.model import Session
from proxy.web.leaving import LeavingRules
from tests.fakes.idp import NOW, FakeIdp, sign_in
from tests.fakes.web import Control, Told

ALLOWED = LeavingRules(front_channel=frozenset({IdpId("corp")}))


async def signed_in(control: Control, client: OidcClient, idp: FakeIdp) -> Session:
    idp.claims = lambda claims: {**claims, "sid": "s1"}
    arrived = await sign_in(client, idp)
    assert isinstance(arrived, SignedIn)
    made = replace(control.sign_in_directly(), idp=arrived.identity.idp, idp_session=arrived.idp_session)
    control.sessions.sessions[made.key] = made
    control.now = NOW
    return made


async def loads(control: Control, **named: str) -> Told:
    """The frame on the IdP's page; no cookie of ours comes along."""
    control.cookies.clear()
    return await control.ask(f"/_muster/frontchannel-logout?{urlencode(named)}")


async def test_oidcc_client_test_rp_frontchannel_rpinitlogout(client: OidcClient, idp: FakeIdp) -> None:
    """After the RP's own sign-out the IdP loads the frame as well: signed out already."""
    async with Control(real=client, leaving=ALLOWED) as control:
        made = await signed_in(control, client, idp)
        del control.sessions.sessions[made.key]
        assert (await loads(control, iss=idp.issuer, sid="s1")).status == 200


async def test_oidcc_client_test_rp_frontchannel_opinitlogout(client: OidcClient, idp: FakeIdp) -> None:
    async with Control(real=client, leaving=ALLOWED) as control:
        made = await signed_in(control, client, idp)
        told = await loads(control, iss=idp.issuer, sid="s1")
        assert told.status == 200
        assert "no-store" in told.headers["Cache-Control"]
        assert made.key not in control.sessions.sessions


async def test_another_issuer_or_session_ends_nothing(client: OidcClient, idp: FakeIdp) -> None:
    async with Control(real=client, leaving=ALLOWED) as control:
        made = await signed_in(control, client, idp)
        assert (await loads(control, iss=idp.issuer + "/other", sid="s1")).status == 400
        assert (await loads(control, iss=idp.issuer)).status == 400
        assert (await loads(control, iss=idp.issuer, sid="s2")).status == 200
        assert made.key in control.sessions.sessions
