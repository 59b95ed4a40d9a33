"""Keys in the forms that vendors hand out, and the JWT that is signed with them."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, RSAKey

from proxy.oidc.directory.assertion import LIFE, PrivateKey, read_key, sign_assertion
from tests.fakes.directories import pem, private_key
from tests.fakes.idp import NOW, ec_key, rsa_key


def as_pem(key: PrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def as_jwk(key: RSAKey | ECKey) -> str:
    return json.dumps(key.as_dict(private=True))


@pytest.mark.parametrize(
    ("text", "given", "algorithm", "key_id"),
    [
        (pem(), None, "RS256", None),
        (pem(), "mine", "RS256", "mine"),
        (as_pem(ec.generate_private_key(ec.SECP256R1())), "mine", "ES256", "mine"),
        (as_jwk(rsa_key()), None, "RS256", "rsa-1"),
        (as_jwk(rsa_key()), "mine", "RS256", "mine"),
        (" \n" + as_jwk(ec_key()), None, "ES256", "ec-1"),
    ],
    ids=["PEM", "PEM with an id", "EC", "JWK", "JWK with another id", "EC JWK"],
)
def test_a_key_is_read(text: str, given: str | None, algorithm: str, key_id: str | None) -> None:
    key = read_key(text, given)
    assert key is not None
    assert (key.algorithm, key.id) == (algorithm, key_id)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "{}",
        "{" * 10_000,
        '{"kty": "oct", "k": "c2VjcmV0"}',
        json.dumps(rsa_key().as_dict(private=False)),
        as_pem(rsa.generate_private_key(65537, 1024)),
        as_pem(ec.generate_private_key(ec.SECP384R1())),
        as_pem(ed25519.Ed25519PrivateKey.generate()),
        pem()[:200],
    ],
    ids=["none", "word", "object", "nesting", "symmetric", "public", "short", "P-384", "Ed25519", "cut"],
)
def test_anything_else_is_no_key(text: str) -> None:
    assert read_key(text) is None


def test_the_assertion_says_who_for_whom_and_until_when() -> None:
    key = read_key(pem(), "kid-1")
    assert key is not None
    token = sign_assertion(key, issuer="i", subject="s", audience="a", now=NOW + 0.5, scope="x y")
    claims = jwt.decode(
        token, private_key().public_key(), ["RS256"], audience="a", options={"verify_iat": False}
    )
    assert claims.pop("jti")
    assert claims == {"iss": "i", "sub": "s", "aud": "a", "iat": NOW, "exp": NOW + LIFE, "scope": "x y"}
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"}


def test_a_key_is_not_shown() -> None:
    assert "PRIVATE" not in repr(read_key(pem()))
