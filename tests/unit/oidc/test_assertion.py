"""Keys in the forms that vendors hand out, and the JWT that is signed with them."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from proxy.oidc.assertion import LIFE, PrivateKey, public_jwk, read_key, sign_assertion
from tests.fakes.directories import pem, private_key
from tests.fakes.idp import NOW, ec_key, ed_key, rsa_key


def as_pem(key: PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def as_jwk(key: RSAKey | ECKey | OKPKey, **members: str) -> str:
    return json.dumps({**key.as_dict(private=True), **members})


@pytest.mark.parametrize(
    ("text", "given", "algorithm", "key_id"),
    [
        (pem(), None, "RS256", None),
        (pem(), "mine", "RS256", "mine"),
        (as_pem(ec.generate_private_key(ec.SECP256R1())), "mine", "ES256", "mine"),
        (as_jwk(rsa_key()), None, "RS256", "rsa-1"),
        (as_jwk(rsa_key()), "mine", "RS256", "mine"),
        (" \n" + as_jwk(ec_key()), None, "ES256", "ec-1"),
        (as_pem(ec.generate_private_key(ec.SECP384R1())), None, "ES384", None),
        (as_pem(ec.generate_private_key(ec.SECP521R1())), None, "ES512", None),
        (as_pem(ed25519.Ed25519PrivateKey.generate()), None, "EdDSA", None),
        (as_jwk(ed_key()), None, "EdDSA", "ed-1"),
        (as_jwk(rsa_key(), alg="PS256"), None, "PS256", "rsa-1"),
    ],
    ids=[
        "PEM",
        "PEM-with-id",
        "EC",
        "JWK",
        "JWK-with-id",
        "EC-JWK",
        "P-384",
        "P-521",
        "Ed25519",
        "Ed25519-JWK",
        "PS256-JWK",
    ],
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
        as_pem(ec.generate_private_key(ec.SECP256K1())),
        as_jwk(rsa_key(), alg="ES256"),
        as_jwk(rsa_key(), alg="HS256"),
        as_jwk(rsa_key(), alg="none"),
        pem()[:200],
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass"))
        .decode(),
    ],
    ids=map(str, range(13)),
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


def test_an_algorithm_is_taken_only_for_a_key_that_it_fits() -> None:
    chosen = read_key(pem(), algorithm="PS256")
    assert chosen is not None
    assert chosen.algorithm == "PS256"
    assert read_key(pem(), algorithm="ES256") is None
    assert read_key(pem(), algorithm="HS256") is None


def test_life_and_header_are_the_callers() -> None:
    key = read_key(pem(), "kid-1")
    assert key is not None
    token = sign_assertion(
        key, issuer="i", subject="s", audience="a", now=NOW, life=60, header={"typ": "x+jwt", "x5t#S256": "t"}
    )
    assert jwt.get_unverified_header(token) == {
        "alg": "RS256",
        "typ": "x+jwt",
        "kid": "kid-1",
        "x5t#S256": "t",
    }
    assert jwt.decode(token, options={"verify_signature": False})["exp"] == NOW + 60


@pytest.mark.parametrize("key", [rsa_key(), ec_key(), ed_key()], ids=["RSA", "EC", "Ed25519"])
def test_what_is_published_is_the_public_half_alone(key: RSAKey | ECKey | OKPKey) -> None:
    read = read_key(as_jwk(key))
    assert read is not None
    shown = public_jwk(read)
    assert shown == {
        **key.as_dict(private=False),
        "kid": key.kid,
        "use": "sig",
        "alg": read.algorithm,
    }
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & shown.keys()


def test_a_key_without_a_name_is_published_by_its_thumbprint() -> None:
    read = read_key(pem())
    assert read is not None
    shown = public_jwk(read)
    assert shown["kid"] == import_key({**shown}).thumbprint()


def test_a_key_is_not_shown() -> None:
    assert "PRIVATE" not in repr(read_key(pem()))
