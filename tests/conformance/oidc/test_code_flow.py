"""Negatives and positives of the OpenID Foundation's relying-party certification, code flow.

Each test is named after its module (`oidcc-client-test-…`) and plays it against an IdP whose answers can be altered.
"""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxy.identity import NOT_STATED
from proxy.oidc.client import OidcClient
from proxy.oidc.documents import COOL_OFF
from proxy.oidc.rules import ClientAuth, UserinfoUse
from proxy.oidc.transport import open_session
from proxy.session.model import Misconfigured
from tests.conformance.oidc.outcomes import refused, signs_in
from tests.fakes.client_keys import certificate_of, write_pair
from tests.fakes.idp import (
    NOW,
    REDIRECT_URI,
    FakeIdp,
    ec_key,
    half_hash,
    make_certificate,
    named,
    published,
    rsa_key,
    rules_for,
    running_idp,
    sign,
    sign_in,
)


async def test_oidcc_client_test(client: OidcClient, idp: FakeIdp) -> None:
    assert (await signs_in(client, idp)).identity.subject.subject == "alice"


async def test_oidcc_client_test_nonce_invalid(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {**claims, "nonce": claims["nonce"] + "x"}
    assert await refused(client, idp) == "nonce_mismatch"


async def test_oidcc_client_test_invalid_iss(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {**claims, "iss": claims["iss"] + "1"}
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


async def test_oidcc_client_test_invalid_sig_hs256(client: OidcClient, idp: FakeIdp) -> None:
    """Not registered for: neither the client secret nor a public key is ever an HMAC key."""
    pem = rsa_key().as_pem(private=False)
    for key in (idp.secret.encode(), pem, b"another"):
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


async def test_oidcc_client_test_invalid_athash(client: OidcClient, idp: FakeIdp) -> None:
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


async def test_oidcc_client_test_invalid_chash(client: OidcClient, idp: FakeIdp) -> None:
    """The module plays the hybrid flow; where an ID token of the code flow states `c_hash`, it binds as well."""
    idp.claims = lambda claims: {**claims, "c_hash": half_hash("another code")}
    assert await refused(client, idp) == "c_hash_mismatch"
    idp.claims = lambda claims: {**claims, "c_hash": half_hash(idp.forms[-1]["code"])}
    await signs_in(client, idp)


async def test_oidcc_client_test_nonce_unless_code_flow(client: OidcClient) -> None:
    """Sent in the code flow too."""
    begun = await client.authorization(redirect_uri=REDIRECT_URI, return_to="/", entropy=bytes(96), now=NOW)
    assert "nonce=" in getattr(begun, "url", "")


async def test_oidcc_client_test_userinfo_signed(idp: FakeIdp) -> None:
    """Not registered for: a signed answer is not read, and what only it could say stays unsaid."""
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "groups"}
    idp.alter["userinfo"] = lambda reply: replace(
        reply, body=sign(reply.body, idp.key, {"alg": "RS256"}).encode(), content_type="application/jwt"
    )
    async with open_session() as http:
        client = OidcClient(rules_for(idp, userinfo=UserinfoUse.ALWAYS), http)
        assert (await signs_in(client, idp)).identity.groups is NOT_STATED


async def claims_of_others(idp: FakeIdp, source: dict[str, str]) -> None:
    """Claims that the IdP says are somewhere else count as not stated, and nobody is asked for them."""
    idp.userinfo_claims = lambda claims: {
        **{name: claims[name] for name in claims if name != "groups"},
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": source},
    }
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "groups"}
    async with open_session() as http:
        client = OidcClient(rules_for(idp, userinfo=UserinfoUse.ALWAYS), http)
        assert (await signs_in(client, idp)).identity.groups is NOT_STATED


async def test_oidcc_client_test_aggregated_claims(idp: FakeIdp) -> None:
    await claims_of_others(idp, {"JWT": sign({"groups": ["admins"]}, idp.key, {"alg": "RS256"})})


async def test_oidcc_client_test_distributed_claims(idp: FakeIdp) -> None:
    await claims_of_others(idp, {"endpoint": f"{idp.issuer}/revoke", "access_token": "t"})
    assert "revoke" not in idp.requests


async def test_oidcc_client_test_mtls_endpoint_aliases(tmp_path: Path) -> None:
    """Token, userinfo and revocation show our certificate at their aliases; metadata and keys are asked without."""
    server = make_certificate(tmp_path)
    certificate, key = write_pair(tmp_path, "one")
    async with running_idp(server, demanded=certificate_of("one")) as idp, open_session() as http:
        paths = {"token_endpoint": "token", "userinfo_endpoint": "userinfo", "revocation_endpoint": "revoke"}
        idp.announce = {
            "mtls_endpoint_aliases": {name: f"{idp.mutual}/{path}" for name, path in paths.items()}
        }
        rules = rules_for(
            idp,
            client_auth=ClientAuth.SELF_SIGNED_TLS,
            certificate_file=str(certificate),
            key_file=str(key),
            ca_file=str(server),
            userinfo=UserinfoUse.ALWAYS,
        )
        client = OidcClient(rules, http)
        signed_in = await signs_in(client, idp)
        assert idp.certificates == ["one"]
        assert idp.requests["userinfo"] == 1
        assert await client.revoke(signed_in.tokens, NOW)
    assert all("client_secret" not in form and form["client_id"] for form in idp.forms)
