"""A JWT that proves who we are with a private key (RFC 7523 §3): made for one request, good for five minutes."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

LIFE: Final = 300
"""Seconds; servers refuse more than an hour."""

PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with the algorithm that fits it. `id` is the `kid` that the server knows it by."""

    key: PrivateKey = field(repr=False)
    algorithm: str
    id: str | None = None


def read_key(text: str, key_id: str | None = None) -> SigningKey | None:
    """From PEM, or a private JWK (an object); None for anything else, RSA below 2048 bits and curves but P-256."""
    try:
        if text.lstrip().startswith("{"):
            document = json.loads(text)
            stated = document.get("kid")
            return _signing_key(
                jwt.PyJWK(document).key, key_id or (stated if isinstance(stated, str) else None)
            )
        return _signing_key(load_pem_private_key(text.encode(), password=None), key_id)
    except (ValueError, TypeError, RecursionError, jwt.PyJWTError):
        return None


def _signing_key(key: object, key_id: str | None) -> SigningKey | None:
    match key:
        case RSAPrivateKey() if key.key_size >= 2048:
            return SigningKey(key=key, algorithm="RS256", id=key_id)
        case EllipticCurvePrivateKey() if isinstance(key.curve, SECP256R1):
            return SigningKey(key=key, algorithm="ES256", id=key_id)
    return None


def sign_assertion(
    key: SigningKey, *, issuer: str, subject: str, audience: str, now: float, **claims: str
) -> str:
    """The signed JWT, with an id of its own, so that a server may refuse to see it twice."""
    times = {"iat": int(now), "exp": int(now) + LIFE, "jti": secrets.token_urlsafe(16)}
    stated = {"iss": issuer, "sub": subject, "aud": audience, **times, **claims}
    return jwt.encode(stated, key.key, algorithm=key.algorithm, headers={"kid": key.id} if key.id else None)
