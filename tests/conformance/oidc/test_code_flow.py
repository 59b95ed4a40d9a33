"""Negatives and positives of the OpenID Foundation's relying-party certification, code flow.

Each test is named after its module (`oidcc-client-test-…`) and plays it against an IdP whose answers can be altered.
"""

import base64
from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import NotTrusted
from proxy.oidc.client import OidcClient, SignedIn
from proxy.oidc.documents import COOL_OFF
from proxy.oidc.flow import check_callback
from proxy.oidc.rules import ClientAuth, UserinfoUse
from proxy.oidc.transport import open_session
from proxy.session.model import Misconfigured
from tests.fakes.idp import (
    CLIENT_ID,
    NOW,
    REDIRECT_URI,
    FakeIdp,
    ec_key,
    named,
    published,
    rsa_key,
    rules_for,
    sign,
    sign_in,
)


async def signs_in(client: OidcClient, idp: FakeIdp, now: float = NOW) -> SignedIn:
    result = await sign_in(client, idp, now=now)
    assert isinstance(result, SignedIn), result
    return result


async def refused(client: OidcClient, idp: FakeIdp, now: float = NOW) -> str:
    with pytest.raises(NotTrusted) as refusal:
        await sign_in(client, idp, now=now)
    return refusal.value.code


async def test_oidcc_client_test(client: OidcClient, idp: FakeIdp) -> None:
    assert (await signs_in(client, idp)).identity.subject.subject == "alice"


async def test_oidcc_client_test_nonce_invalid(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {**claims, "nonce": claims["nonce"] + "x"}
    assert await refused(client, idp) == "nonce_mismatch"


async def test_oidcc_client_test_nonce_missing(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "nonce"}
    assert await refused(client, idp) == "nonce_mismatch"


async def test_oidcc_client_test_invalid_iss(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {**claims, "iss": claims["iss"] + "1"}
    assert await refused(client, idp) == "issuer_mismatch"


async def test_oidcc_client_test_missing_iss(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "iss"}
    assert await refused(client, idp) == "issuer_mismatch"


async def test_oidcc_client_test_invalid_aud(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {**claims, "aud": claims["aud"] + "1"}
    assert await refused(client, idp) == "audience_mismatch"


async def test_oidcc_client_test_missing_aud(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "aud"}
    assert await refused(client, idp) == "audience_mismatch"


async def test_oidcc_client_test_missing_sub(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "sub"}
    assert await refused(client, idp) == "subject_invalid"


async def test_oidcc_client_test_missing_iat(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "iat"}
    assert await refused(client, idp) == "time_missing"


async def test_oidcc_client_test_expired_id_token(client: OidcClient, idp: FakeIdp) -> None:
    idp.now = NOW - 3600
    assert await refused(client, idp) == "expired"


async def test_oidcc_client_test_kid_absent_single_jwks(client: OidcClient, idp: FakeIdp) -> None:
    idp.keys = published(idp.key, without=("kid",))
    idp.header = lambda header: {"alg": header["alg"]}
    await signs_in(client, idp)


async def test_oidcc_client_test_kid_absent_multiple_jwks(client: OidcClient, idp: FakeIdp) -> None:
    """The module lets a client refuse, or try all keys; we refuse (Core §10.1 demands a `kid` then)."""
    idp.keys = published(rsa_key("rsa-2"), idp.key)
    idp.header = lambda header: {"alg": header["alg"]}
    assert await refused(client, idp) == "key_ambiguous"


async def test_oidcc_client_test_idtoken_sig_none(client: OidcClient, idp: FakeIdp) -> None:
    """A client that did not register for unsigned ID tokens must refuse one."""
    idp.sign = lambda claims, header: sign(claims, None, {"alg": "none"})
    assert await refused(client, idp) == "algorithm_refused"


async def test_oidcc_client_test_idtoken_sig_rs256(client: OidcClient, idp: FakeIdp) -> None:
    await signs_in(client, idp)


async def test_oidcc_client_test_idtoken_sig_es256(client: OidcClient, idp: FakeIdp) -> None:
    idp.key, idp.algorithm = ec_key(), "ES256"
    idp.keys = published(rsa_key(), idp.key)
    await signs_in(client, idp)


async def test_oidcc_client_test_idtoken_sig_hs256(client: OidcClient, idp: FakeIdp) -> None:
    """Not registered for: neither the client secret nor a public key is ever an HMAC key."""
    pem = rsa_key().as_pem(private=False)
    for key in (idp.secret.encode(), pem):
        idp.sign = lambda claims, header, key=key: sign(claims, key, {"alg": "HS256"})  # type: ignore[misc]
        assert await refused(client, idp) == "algorithm_refused"


async def test_oidcc_client_test_invalid_sig_rs256(client: OidcClient, idp: FakeIdp) -> None:
    idp.sign = lambda claims, header: sign(claims, rsa_key("rsa-2"), header)
    assert await refused(client, idp) == "signature_bad"


async def test_oidcc_client_test_invalid_sig_es256(client: OidcClient, idp: FakeIdp) -> None:
    idp.key, idp.algorithm = ec_key(), "ES256"
    idp.keys = published(idp.key)
    idp.sign = lambda claims, header: sign(claims, ec_key("ec-2"), header)
    assert await refused(client, idp) == "signature_bad"


async def test_oidcc_client_test_invalid_at_hash(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {**claims, "at_hash": claims["at_hash"][::-1]}
    assert await refused(client, idp) == "at_hash_mismatch"


async def test_oidcc_client_test_userinfo_invalid_sub(idp: FakeIdp) -> None:
    idp.userinfo_claims = lambda claims: {**claims, "sub": "bob"}
    async with open_session() as http:
        client = OidcClient(rules_for(idp, userinfo=UserinfoUse.ALWAYS), http)
        assert await refused(client, idp) == "userinfo_subject_mismatch"


async def test_oidcc_client_test_userinfo_bearer_header(idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "groups"}
    async with open_session() as http:
        client = OidcClient(rules_for(idp, userinfo=UserinfoUse.ALWAYS), http)
        assert (await signs_in(client, idp)).identity.groups == named("engineers")


async def test_oidcc_client_test_client_secret_basic(client: OidcClient, idp: FakeIdp) -> None:
    await signs_in(client, idp)
    scheme, _, encoded = (idp.authorizations[0] or "").partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded).startswith(b"muster%3Aone:")
    assert "client_secret" not in idp.forms[0]


async def test_oidcc_client_test_client_secret_post(idp: FakeIdp) -> None:
    async with open_session() as http:
        await signs_in(OidcClient(rules_for(idp, client_auth=ClientAuth.POST), http), idp)
    assert idp.forms[0]["client_id"] == CLIENT_ID
    assert idp.forms[0]["client_secret"] == idp.secret


async def test_oidcc_client_test_scope_userinfo_claims(client: OidcClient) -> None:
    begun = await client.authorization(redirect_uri=REDIRECT_URI, return_to="/", entropy=bytes(96), now=NOW)
    assert "scope=openid+profile+email" in getattr(begun, "url", "")


async def test_oidcc_client_test_discovery_openid_config(client: OidcClient, idp: FakeIdp) -> None:
    await signs_in(client, idp)
    assert idp.requests["discovery"] == 1


async def test_oidcc_client_test_discovery_issuer_mismatch(client: OidcClient, idp: FakeIdp) -> None:
    idp.announce = {"issuer": idp.issuer + "/"}
    assert await sign_in(client, idp) == Misconfigured(code="discovery_issuer_mismatch")


async def test_oidcc_client_test_discovery_jwks_uri_keys(client: OidcClient, idp: FakeIdp) -> None:
    await signs_in(client, idp)
    assert idp.requests["jwks"] == 1


async def test_oidcc_client_test_signing_key_rotation(client: OidcClient, idp: FakeIdp) -> None:
    await signs_in(client, idp)
    idp.key = rsa_key("rsa-2")
    idp.keys = published(idp.key)
    await signs_in(client, idp, NOW + COOL_OFF)
    assert idp.requests["jwks"] == 2


async def test_oidcc_client_test_signing_key_rotation_just_before_signing(
    client: OidcClient, idp: FakeIdp
) -> None:
    """The new key is published only at the moment a token is signed with it."""
    await signs_in(client, idp)

    def rotate(claims: dict[str, Any]) -> dict[str, Any]:
        idp.key = rsa_key("rsa-2")
        idp.keys = published(idp.key, rsa_key())
        return claims

    idp.claims = rotate
    await signs_in(client, idp, NOW + COOL_OFF)


async def test_oidcc_client_test_redirect_uri_is_sent_again(client: OidcClient, idp: FakeIdp) -> None:
    await signs_in(client, idp)
    assert idp.forms[0]["redirect_uri"] == REDIRECT_URI


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "other"}, "state_mismatch"),
        ({"iss": "https://evil.example.com"}, "issuer_mismatch"),
        ({"iss": None}, "issuer_missing"),
        ({"state": None}, "state_mismatch"),
    ],
)
async def test_the_callback_is_judged_before_the_idp_hears_of_it(
    client: OidcClient, idp: FakeIdp, change: dict[str, str | None], code: str
) -> None:
    """RFC 9207 and mix-up: `oidcc-client-test-…` has no module for it in the code flow; RFC 9700 §4.4 has."""
    begun = await client.authorization(redirect_uri=REDIRECT_URI, return_to="/", entropy=bytes(96), now=NOW)
    answered = {**dict(idp.approve(getattr(begun, "url", ""))), **change}
    query = [(name, value) for name, value in answered.items() if value is not None]
    with pytest.raises(NotTrusted) as refusal:
        check_callback(query, getattr(begun, "attempt", None), now=NOW)
    assert refusal.value.code == code
    assert "token" not in idp.requests


async def test_a_token_endpoint_that_redirects_is_not_followed(client: OidcClient, idp: FakeIdp) -> None:
    idp.alter["token"] = lambda reply: replace(
        reply, status=307, headers={"Location": f"{idp.issuer}/revoke"}
    )
    assert getattr(await sign_in(client, idp), "detail", None) == "http_307"
    assert "revoke" not in idp.requests
