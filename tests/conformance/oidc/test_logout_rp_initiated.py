"""The OpenID Foundation's relying-party certification, RP-initiated logout: what we send, and how each way back is taken."""

from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

from proxy.oidc.client import OidcClient, SignedIn
from proxy.session.model import Session
from proxy.web.guard import form_token
from tests.fakes.idp import CLIENT_ID, NOW, FakeIdp, sign_in
from tests.fakes.web import NAVIGATE, PUBLIC, Control, Told

HERE = {**NAVIGATE, "Origin": PUBLIC}
SIGNED_OUT = f"{PUBLIC}/_muster/signed-out"


def holds(control: Control, arrived: SignedIn) -> Session:
    """The session of somebody who signed in just now."""
    control.now = NOW
    made = replace(
        control.sign_in_directly(),
        idp=arrived.identity.idp,
        tokens=arrived.tokens,
        created_at=NOW,
        last_seen_at=NOW,
        refreshed_at=NOW,
        due_at=NOW + 3600,
    )
    control.sessions.sessions[made.key] = made
    return made


async def signs_out(control: Control, client: OidcClient, idp: FakeIdp) -> dict[str, str]:
    """Sign-in, then the sign-out button; what the IdP's end_session_endpoint is asked."""
    arrived = await sign_in(client, idp)
    assert isinstance(arrived, SignedIn)
    made = holds(control, arrived)
    form = {"form_token": form_token(control.parts.keys, made.key)}
    told = await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
    assert told.status == 303
    url = urlsplit(told.location)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{idp.issuer}/end-session"
    assert control.sessions.sessions == {}, "over here, whatever the IdP does"
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert asked["id_token_hint"] == arrived.tokens.id_token
    assert asked["client_id"] == CLIENT_ID
    assert asked["post_logout_redirect_uri"] == SIGNED_OUT
    return asked


async def comes_back(control: Control, **parameters: str) -> Told:
    told = await control.ask(f"/_muster/signed-out?{urlencode(parameters)}")
    assert told.status == 200
    assert "You are signed out" in told.text
    return told


async def test_oidcc_client_test_rp_init_logout(client: OidcClient, idp: FakeIdp) -> None:
    async with Control(real=client) as control:
        asked = await signs_out(control, client, idp)
        assert "has signed you out too" in (await comes_back(control, state=asked["state"])).text


async def test_oidcc_client_test_rp_init_logout_other_state(client: OidcClient, idp: FakeIdp) -> None:
    """Handled all the same, but nothing is claimed about the IdP."""
    async with Control(real=client) as control:
        asked = await signs_out(control, client, idp)
        told = await comes_back(control, state=asked["state"] + "x")
        assert "has signed you out too" not in told.text


async def test_oidcc_client_test_rp_init_logout_no_state(client: OidcClient, idp: FakeIdp) -> None:
    async with Control(real=client) as control:
        await signs_out(control, client, idp)
        assert "has signed you out too" not in (await comes_back(control)).text


async def test_the_tokens_are_revoked_before_the_browser_goes(client: OidcClient, idp: FakeIdp) -> None:
    async with Control(real=client) as control:
        await signs_out(control, client, idp)
        assert idp.forms[-1]["token_type_hint"] == "refresh_token"
        assert idp.requests["revoke"] == 1


async def test_an_idp_without_a_sign_out_is_said_to_know_the_browser_still(
    client: OidcClient, idp: FakeIdp
) -> None:
    idp.announce = {"end_session_endpoint": None}
    async with Control(real=client) as control:
        arrived = await sign_in(client, idp)
        assert isinstance(arrived, SignedIn)
        made = holds(control, arrived)
        form = {"form_token": form_token(control.parts.keys, made.key)}
        told = await control.ask("/_muster/sign-out", method="POST", headers=HERE, form=form)
        assert told.location == f"{SIGNED_OUT}?still=corp"
        assert "you are still signed in" in (await comes_back(control, still="corp")).text
