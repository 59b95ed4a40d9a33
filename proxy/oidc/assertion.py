"""A JWT that proves who we are with a private key (RFC 7523 §3): made for one request, good for minutes.

| key                  | signs with                                  |
|----------------------|---------------------------------------------|
| RSA, 2048 bits or more | RS256, or RS384, RS512, PS256, PS384, PS512 |
| EC P-256             | ES256                                       |
| EC P-384             | ES384                                       |
| EC P-521             | ES512                                       |
| Ed25519              | EdDSA                                       |
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from joserfc.jwk import import_key

LIFE: Final = 300
"""Seconds; servers refuse more than an hour."""

PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey

_LEAST_RSA_BITS: Final = 2048
_BY_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_KEY_TYPES: Final[Mapping[str, Literal["RSA", "EC", "OKP"]]] = {
    "RS": "RSA",
    "PS": "RSA",
    "ES": "EC",
    "Ed": "OKP",
}
_BY_CURVE: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with an algorithm that fits it. `id` is the `kid` that the server knows it by."""

    key: PrivateKey = field(repr=False)
    algorithm: str
    id: str | None = None


def read_key(text: str, key_id: str | None = None, algorithm: str | None = None) -> SigningKey | None:
    """From PEM, or a private JWK (an object); None for anything else, and for a key that the table above does not name.

    `key_id` and `algorithm` go before what a JWK says of itself; an algorithm that does not fit the key makes it none.
    """
    try:
        if text.lstrip().startswith("{"):
            document = json.loads(text)
            key = jwt.PyJWK({name: value for name, value in document.items() if name != "alg"}).key
            key_id, algorithm = key_id or _text(document, "kid"), algorithm or _text(document, "alg")
        else:
            key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, RecursionError, jwt.PyJWTError):
        return None
    return _signing_key(key, key_id, algorithm)


def _text(document: Mapping[str, object], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def _signing_key(key: object, key_id: str | None, wanted: str | None) -> SigningKey | None:
    fitting = _algorithms(key)
    algorithm = wanted or (fitting[0] if fitting else None)
    if algorithm not in fitting or not isinstance(key, PrivateKey):
        return None
    return SigningKey(key=key, algorithm=algorithm, id=key_id)


def _algorithms(key: object) -> tuple[str, ...]:
    """What this key may sign with, the usual one first."""
    match key:
        case RSAPrivateKey() if key.key_size >= _LEAST_RSA_BITS:
            return _BY_RSA
        case EllipticCurvePrivateKey() if key.curve.name in _BY_CURVE:
            return (_BY_CURVE[key.curve.name],)
        case Ed25519PrivateKey():
            return ("EdDSA",)
    return ()


def sign_assertion(
    key: SigningKey,
    *,
    issuer: str,
    subject: str,
    audience: str,
    now: float,
    life: int = LIFE,
    header: Mapping[str, str] | None = None,
    **claims: str,
) -> str:
    """The signed JWT, with an id of its own, so that a server may refuse to see it twice. `life` is seconds."""
    times = {"iat": int(now), "exp": int(now) + life, "jti": secrets.token_urlsafe(16)}
    stated = {"iss": issuer, "sub": subject, "aud": audience, **times, **claims}
    fields = {**({"kid": key.id} if key.id else {}), **(header or {})}
    return jwt.encode(stated, key.key, algorithm=key.algorithm, headers=fields or None)


def public_jwk(key: SigningKey) -> dict[str, str]:
    """The public half for a key set (RFC 7517); where nothing names the key, its RFC 7638 thumbprint does."""
    pem = key.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public = import_key(pem, _KEY_TYPES[key.algorithm[:2]])
    members = {name: str(value) for name, value in public.as_dict(private=False).items()}
    return {**members, "kid": key.id or public.thumbprint(), "use": "sig", "alg": key.algorithm}
