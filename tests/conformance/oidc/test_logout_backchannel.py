"""Negatives and positives of the OpenID Foundation's relying-party certification, back-channel logout.

Each test is named after its module (`oidcc-client-test-rp-backchannel-…`): somebody signs in at the tamperable IdP, the IdP
posts a logout token to the endpoint, and the answer and the session are looked at.
"""

from dataclasses import replace
from typing import Any

import pytest

from proxy.identity import Subject
from proxy.oidc.client import OidcClient, SignedIn
from proxy.oidc.documents import COOL_OFF
from proxy.oidc.transport import open_session
from proxy.session.model import Session
from tests.fakes.idp import NOW, FakeIdp, ec_key, published, rsa_key, rules_for, sign_in
from tests.fakes.logout import LEFT_OUT, logout_token
from tests.fakes.web import Control, Told

PATH = "/_muster/backchannel-logout"
EXPECTED = 200
REFUSED = 400


async def signed_in(control: Control, client: OidcClient, idp: FakeIdp) -> Session:
    """Alice, through the whole code flow; her ID token names the IdP's session."""
    idp.claims = lambda claims: {**claims, "sid": "s1"}
    arrived = await sign_in(client, idp)
    assert isinstance(arrived, SignedIn)
    assert arrived.idp_session == "s1"
    made = replace(
        control.sign_in_directly(),
        subject=arrived.identity.subject,
        idp=arrived.identity.idp,
        identity=arrived.identity,
        idp_session=arrived.idp_session,
        tokens=arrived.tokens,
    )
    control.sessions.sessions[made.key] = made
    control.now = NOW
    return made


async def posts(control: Control, token: str) -> Told:
    return await control.ask(PATH, method="POST", headers={}, form={"logout_token": token})


async def plays(client: OidcClient, idp: FakeIdp, status: int, **changes: Any) -> None:
    """Sign-in, logout request; 200 ends the session, 400 leaves it."""
    async with Control(real=client) as control:
        made = await signed_in(control, client, idp)
        told = await posts(control, logout_token(idp.issuer, NOW, **changes))
        assert told.status == status
        assert "no-store" in told.headers["Cache-Control"]
        assert (made.key in control.sessions.sessions) is (status == REFUSED)


async def test_oidcc_client_test_rp_backchannel_rpinitlogout(client: OidcClient, idp: FakeIdp) -> None:
    await plays(client, idp, EXPECTED, ignored_claim="claims that are not understood are ignored")


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_alg_none(
    client: OidcClient, idp: FakeIdp
) -> None:
    await plays(client, idp, REFUSED, key=b"", header={"alg": "none", "kid": None})


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_wrong_alg(idp: FakeIdp) -> None:
    """Signed with a good key of the IdP, but not with the algorithm that was agreed on for the client."""
    idp.keys = published(rsa_key(), ec_key())
    async with open_session() as http:
        strict = OidcClient(rules_for(idp, signing_algorithms=frozenset({"RS256"})), http)
        await plays(strict, idp, REFUSED, key=ec_key(), header={"alg": "ES256"})
        await plays(strict, idp, EXPECTED)


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_no_event(
    client: OidcClient, idp: FakeIdp
) -> None:
    await plays(client, idp, REFUSED, events=LEFT_OUT)


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_wrong_event(
    client: OidcClient, idp: FakeIdp
) -> None:
    await plays(client, idp, REFUSED, events={"http://schemas.openid.net/event/foobar": {}})


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_with_nonce(
    client: OidcClient, idp: FakeIdp
) -> None:
    await plays(client, idp, REFUSED, nonce="nonce")


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_wrong_aud(
    client: OidcClient, idp: FakeIdp
) -> None:
    await plays(client, idp, REFUSED, aud="another-client")


async def test_oidcc_client_test_rp_backchannel_rpinitlogout_wrong_iss(
    client: OidcClient, idp: FakeIdp
) -> None:
    await plays(client, idp, REFUSED, iss=idp.issuer + "/other")


# What the specification demands and no module plays.


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": LEFT_OUT},
        {"iat": LEFT_OUT},
        {"exp": LEFT_OUT},
        {"exp": int(NOW) - 61},
        {"iat": int(NOW) + 61},
        {"sub": LEFT_OUT, "sid": LEFT_OUT},
        {"header": {"typ": "at+jwt"}},
        {"key": b"a shared secret", "header": {"alg": "HS256"}},
        {"key": rsa_key("rsa-2"), "header": {"kid": "rsa-1"}},
    ],
)
async def test_what_section_2_6_refuses(client: OidcClient, idp: FakeIdp, changes: dict[str, Any]) -> None:
    await plays(client, idp, REFUSED, **changes)


async def test_an_id_token_is_no_logout_token(client: OidcClient, idp: FakeIdp) -> None:
    async with Control(real=client) as control:
        made = await signed_in(control, client, idp)
        assert made.tokens.id_token is not None
        assert (await posts(control, made.tokens.id_token)).status == REFUSED
        assert made.key in control.sessions.sessions


async def test_a_logout_token_is_no_id_token(client: OidcClient, idp: FakeIdp) -> None:
    """Signed by the IdP, for us, with a nonce even: a logout token put in place of an ID token signs nobody in."""
    idp.claims = lambda claims: {
        **claims,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    idp.header = lambda header: {**header, "typ": "logout+jwt"}
    with pytest.raises(Exception, match="token_malformed"):
        await sign_in(client, idp)


async def test_a_logout_token_under_a_rotated_key_makes_the_keys_be_read_again(
    client: OidcClient, idp: FakeIdp
) -> None:
    async with Control(real=client) as control:
        made = await signed_in(control, client, idp)
        idp.key = rsa_key("rsa-2")
        idp.keys = published(idp.key)
        control.now = NOW + COOL_OFF
        told = await posts(control, logout_token(idp.issuer, NOW, key=idp.key))
        assert told.status == EXPECTED
        assert made.key not in control.sessions.sessions


async def test_a_person_named_without_a_session_is_signed_out_everywhere(
    client: OidcClient, idp: FakeIdp
) -> None:
    async with Control(real=client) as control:
        made = await signed_in(control, client, idp)
        assert (await posts(control, logout_token(idp.issuer, NOW, sid=LEFT_OUT))).status == EXPECTED
        assert control.sessions.sessions == {}
        assert (
            control.journal.idp_logouts[0][1] == Subject(issuer=idp.issuer, subject="alice") == made.subject
        )
