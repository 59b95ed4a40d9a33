"""Beyond the modules: what else an IdP, or somebody between, could say wrong in the code flow.

RFC 8725 (JWT best practices), RFC 9700 (OAuth security) and attacks on relying parties that became known name most of it.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import NotTrusted
from proxy.oidc.client import OidcClient
from proxy.oidc.documents import COOL_OFF
from proxy.oidc.flow import check_callback
from proxy.oidc.rules import ClientAuth, UserinfoUse
from proxy.oidc.transport import MOST_BODY, open_session
from proxy.session.model import Misconfigured, Trouble
from tests.conformance.oidc.outcomes import refused, signs_in
from tests.fakes.idp import (
    CLIENT_ID,
    NOW,
    REDIRECT_URI,
    FakeIdp,
    Reply,
    ec_key,
    encode,
    published,
    rsa_key,
    rules_for,
    sign,
    sign_in,
)

# --- claims -----------------------------------------------------------------------------------------------------------


async def test_a_nonce_must_be_there(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "nonce"}
    assert await refused(client, idp) == "nonce_mismatch"


async def test_an_issuer_must_be_there(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {name: claims[name] for name in claims if name != "iss"}
    assert await refused(client, idp) == "issuer_mismatch"


async def test_an_expired_token_is_refused(client: OidcClient, idp: FakeIdp) -> None:
    idp.now = NOW - 3600
    assert await refused(client, idp) == "expired"


async def test_es256_is_verified_beside_a_key_of_another_type(client: OidcClient, idp: FakeIdp) -> None:
    idp.key, idp.algorithm = ec_key(), "ES256"
    idp.keys = published(rsa_key(), idp.key)
    await signs_in(client, idp)


async def test_a_secret_in_the_form(idp: FakeIdp) -> None:
    async with open_session() as http:
        await signs_in(OidcClient(rules_for(idp, client_auth=ClientAuth.POST), http), idp)
    assert idp.forms[0]["client_id"] == CLIENT_ID
    assert idp.forms[0]["client_secret"] == idp.secret


async def test_the_redirect_uri_is_sent_again(client: OidcClient, idp: FakeIdp) -> None:
    await signs_in(client, idp)
    assert idp.forms[0]["redirect_uri"] == REDIRECT_URI


@pytest.mark.parametrize(
    ("altered", "code"),
    [
        ({"iat": NOW + 61}, "issued_in_future"),
        ({"iat": "yesterday"}, "time_malformed"),
        ({"iat": True}, "time_malformed"),
        ({"exp": None}, "time_missing"),
        ({"exp": NOW - 60}, "expired"),
        ({"exp": 10**400}, "time_malformed"),
        ({"nbf": NOW + 61}, "not_yet_valid"),
        ({"nonce": ""}, "nonce_mismatch"),
        ({"nonce": ["a"]}, "nonce_mismatch"),
        ({"aud": []}, "audience_mismatch"),
        ({"aud": {"a": CLIENT_ID}}, "audience_mismatch"),
        ({"aud": CLIENT_ID.upper()}, "audience_mismatch"),
        ({"aud": ["other"]}, "audience_mismatch"),
        ({"aud": [CLIENT_ID, "other"]}, "azp_mismatch"),
        ({"aud": [CLIENT_ID, "other"], "azp": "other"}, "azp_mismatch"),
        ({"azp": "other"}, "azp_mismatch"),
        ({"sub": ""}, "subject_invalid"),
        ({"sub": 7}, "subject_invalid"),
        ({"sub": "a" * 256}, "subject_invalid"),
        ({"sub": "alice\x00"}, "subject_invalid"),
        ({"at_hash": 7}, "at_hash_mismatch"),
        ({"c_hash": ""}, "c_hash_mismatch"),
    ],
)
async def test_a_claim_that_does_not_hold(
    client: OidcClient, idp: FakeIdp, altered: Mapping[str, Any], code: str
) -> None:
    idp.claims = lambda claims: {
        name: value for name, value in {**claims, **altered}.items() if value is not None
    }
    assert await refused(client, idp) == code


@pytest.mark.parametrize(
    "altered",
    [
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID},
        {"azp": CLIENT_ID},
        {"iat": int(NOW) + 59},
        {"exp": int(NOW) - 59},
        {"a claim": "that nobody knows"},
    ],
)
async def test_a_claim_that_holds(client: OidcClient, idp: FakeIdp, altered: Mapping[str, Any]) -> None:
    idp.claims = lambda claims: {**claims, **altered}
    await signs_in(client, idp)


@pytest.mark.parametrize(
    "alter", [str.upper, str.title, lambda issuer: issuer + "/", lambda issuer: issuer + " "]
)
async def test_an_issuer_is_compared_sign_by_sign(
    client: OidcClient, idp: FakeIdp, alter: Callable[[str], str]
) -> None:
    idp.claims = lambda claims: {**claims, "iss": alter(claims["iss"])}
    assert await refused(client, idp) == "issuer_mismatch"


# --- signatures and headers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", None, 7])
async def test_no_spelling_of_none_is_an_algorithm(client: OidcClient, idp: FakeIdp, algorithm: Any) -> None:
    idp.sign = lambda claims, header: _unsigned(claims, {"alg": algorithm})
    assert await refused(client, idp) in {"algorithm_refused", "token_malformed"}


def _unsigned(claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    return f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}."


async def test_no_form_of_a_public_key_is_an_hmac_secret(client: OidcClient, idp: FakeIdp) -> None:
    jwk = rsa_key().as_dict(private=False)
    modulus = str(jwk["n"]).encode()
    forms = [
        rsa_key().as_pem(private=False),
        rsa_key().as_pem(private=False).strip(),
        rsa_key().as_der(private=False),
        json.dumps(jwk).encode(),
        modulus,
        base64.urlsafe_b64decode(modulus + b"=="),
        b"",
    ]
    for form in forms:
        for algorithm in ("HS256", "RS256"):
            idp.sign = lambda claims, header, key=form, alg=algorithm: sign(  # type: ignore[misc]
                claims, key, {"alg": alg, "kid": "rsa-1"}
            )
            assert await refused(client, idp) in {"algorithm_refused", "signature_bad"}


async def test_a_symmetric_key_that_is_published_verifies_nothing(client: OidcClient, idp: FakeIdp) -> None:
    secret = b"a secret that everybody reads"
    oct_key = {"kty": "oct", "k": encode(secret), "kid": "shared", "alg": "HS256", "use": "sig"}
    idp.keys = {"keys": [oct_key, *published(idp.key)["keys"]]}
    await signs_in(client, idp)
    idp.sign = lambda claims, header: sign(claims, secret, {"alg": "HS256", "kid": "shared"})
    assert await refused(client, idp, NOW + COOL_OFF) == "algorithm_refused"


async def test_an_algorithm_of_another_key_type_finds_no_key(client: OidcClient, idp: FakeIdp) -> None:
    idp.sign = lambda claims, header: sign(claims, ec_key(), {"alg": "ES256", "kid": "rsa-1"})
    assert await refused(client, idp) in {"key_unknown", "signature_bad"}


async def test_a_key_for_another_use_verifies_nothing(client: OidcClient, idp: FakeIdp) -> None:
    (key,) = published(idp.key)["keys"]
    idp.keys = {"keys": [{**key, "use": "enc"}]}
    assert await refused(client, idp) == "key_unknown"


async def test_a_key_that_the_token_brings_along_is_not_used(client: OidcClient, idp: FakeIdp) -> None:
    """`jwk`, `jku`, `x5u` and `x5c` in a header are the sender's own word (RFC 8725 §3.10); nothing is fetched."""
    thief = rsa_key("rsa-2")
    brought = {
        "jwk": thief.as_dict(private=False),
        "jku": f"{idp.issuer}/revoke",
        "x5u": f"{idp.issuer}/revoke",
        "x5c": ["MIIB"],
    }
    idp.sign = lambda claims, header: sign(claims, thief, {**header, **brought})
    assert await refused(client, idp) in {"signature_bad", "token_malformed"}
    assert "revoke" not in idp.requests


async def test_two_keys_of_one_name_are_both_tried(client: OidcClient, idp: FakeIdp) -> None:
    """Some IdPs publish a name twice; a signature must hold under one of them all the same."""
    (other,) = published(rsa_key("rsa-2"))["keys"]
    idp.keys = {"keys": [{**other, "kid": "rsa-1"}, *published(idp.key)["keys"]]}
    await signs_in(client, idp)
    idp.sign = lambda claims, header: sign(claims, rsa_key("rsa-3"), header)
    assert await refused(client, idp, NOW + COOL_OFF) == "signature_bad"


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
    ],
)
async def test_a_header_that_means_something_else(
    client: OidcClient, idp: FakeIdp, header: Mapping[str, Any]
) -> None:
    idp.header = lambda plain: {**plain, **header}
    assert await refused(client, idp) == "token_malformed"


@pytest.mark.parametrize(
    "token",
    [
        "a.b.c.d.e",
        "",
        "a.b",
        "a.b.c.d",
        "....",
        f"{encode(b'[' * 50_000)}.{encode(b'{}')}.",
        f"{encode(json.dumps({'alg': 'RSA-OAEP', 'enc': 'A256GCM'}).encode())}.k.i.c.t",
    ],
    ids=["JWE", "empty", "two parts", "four parts", "dots", "nesting", "JWE header"],
)
async def test_what_is_no_signed_token(client: OidcClient, idp: FakeIdp, token: str) -> None:
    idp.sign = lambda claims, header: token
    assert await refused(client, idp) in {"token_malformed", "id_token_missing"}


async def test_a_payload_that_is_signed_and_no_object(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: [claims]  # type: ignore[assignment, return-value]
    assert await refused(client, idp) == "token_malformed"


async def test_a_huge_token_is_refused_and_a_huger_answer_not_read(client: OidcClient, idp: FakeIdp) -> None:
    idp.claims = lambda claims: {**claims, "groups": ["g" * 100] * 7_000}
    assert await refused(client, idp) == "token_malformed"
    idp.claims = lambda claims: {**claims, "filler": "x" * MOST_BODY}
    assert await sign_in(client, idp) == Trouble(detail="answer_too_large")


# --- keys and metadata ----------------------------------------------------------------------------------------------


async def test_a_key_that_was_withdrawn_verifies_nothing_once_the_set_is_read_again(
    client: OidcClient, idp: FakeIdp
) -> None:
    await signs_in(client, idp)
    idp.keys = published(rsa_key("rsa-2"))
    idp.now = NOW + 3600
    assert await refused(client, idp, NOW + 3600) == "key_unknown"


async def test_unknown_keys_make_the_set_be_read_once_in_a_while_and_no_oftener(
    client: OidcClient, idp: FakeIdp
) -> None:
    """Somebody who sends bad tokens cannot have us hammer the IdP."""
    await signs_in(client, idp)
    idp.sign = lambda claims, header: sign(claims, rsa_key("rsa-2"), {**header, "kid": "rsa-2"})
    for _ in range(5):
        with pytest.raises(NotTrusted):
            await _or_unknown(client, idp)
    assert idp.requests["jwks"] <= 2


async def _or_unknown(client: OidcClient, idp: FakeIdp) -> None:
    result = await sign_in(client, idp, now=NOW + COOL_OFF)
    if result == Trouble(detail="keys_asked_lately"):
        raise NotTrusted("key_unknown")


@pytest.mark.parametrize("document", [{}, {"keys": "none"}, {"keys": {"a": 1}}])
async def test_what_is_no_key_set(client: OidcClient, idp: FakeIdp, document: Mapping[str, Any]) -> None:
    idp.keys = dict(document)
    assert await sign_in(client, idp) == Misconfigured(code="keys_malformed")


async def test_one_bad_key_does_not_spoil_the_others(client: OidcClient, idp: FakeIdp) -> None:
    bad = [{"kty": "RSA", "n": "?", "e": "AQAB"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, 7, {}]
    idp.keys = {"keys": [*bad, *published(idp.key)["keys"]]}
    await signs_in(client, idp)


@pytest.mark.parametrize(
    "alter", [str.upper, lambda issuer: issuer + "/", lambda issuer: issuer + "/realms/b"]
)
async def test_metadata_of_another_issuer(
    client: OidcClient, idp: FakeIdp, alter: Callable[[str], str]
) -> None:
    idp.announce = {"issuer": alter(idp.issuer)}
    assert await sign_in(client, idp) == Misconfigured(code="discovery_issuer_mismatch")
    assert "token" not in idp.requests


@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
async def test_metadata_and_keys_are_not_followed_elsewhere(idp: FakeIdp, endpoint: str) -> None:
    idp.alter[endpoint] = lambda reply: replace(
        reply, status=302, headers={"Location": f"{idp.issuer}/revoke"}
    )
    async with open_session() as http:
        assert await sign_in(OidcClient(rules_for(idp), http), idp) == Trouble(detail="http_302")
    assert "revoke" not in idp.requests


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "no_access_token"),
        ({"access_token": ""}, "no_access_token"),
        ({"access_token": "a\r\nb"}, "no_access_token"),
        ([], "not_json"),
        (b"access_token=a", "not_json"),
    ],
)
async def test_a_token_answer_that_is_none(client: OidcClient, idp: FakeIdp, body: Any, detail: str) -> None:
    idp.alter["token"] = lambda _: Reply(body)
    assert await sign_in(client, idp) == Trouble(detail=detail)


async def test_a_sign_in_without_an_id_token_is_none(client: OidcClient, idp: FakeIdp) -> None:
    idp.alter["token"] = lambda reply: replace(
        reply, body={name: value for name, value in reply.body.items() if name != "id_token"}
    )
    assert await refused(client, idp) == "id_token_missing"


async def test_userinfo_must_say_whom_it_is_about(idp: FakeIdp) -> None:
    idp.userinfo_claims = lambda claims: {name: claims[name] for name in claims if name != "sub"}
    async with open_session() as http:
        client = OidcClient(rules_for(idp, userinfo=UserinfoUse.ALWAYS), http)
        assert await refused(client, idp) == "userinfo_subject_mismatch"


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
