"""Keys and certificates of a client, written to files as an operator would, and how an IdP looks at an assertion."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA")


@cache
def key_of(name: str) -> EllipticCurvePrivateKey:
    """One key per name and process."""
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(name: str) -> str:
    return key_of(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate_of(name: str, days: float = 90) -> str:
    """A self-signed certificate of the named key, good for so many days; one per process."""
    return _certificate(name, days)


@cache
def _certificate(name: str, days: float) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.now(UTC) - timedelta(days=100)
    certificate = (
        x509.CertificateBuilder(subject, subject, key_of(name).public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(datetime.now(UTC) + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key_of(name), hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def write_private(path: Path, text: str) -> Path:
    """Written for its owner alone, or Muster warns; over what was there by renaming, as a secret store does."""
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    return fresh.rename(path)


def write_pair(folder: Path, name: str, days: float = 90) -> tuple[Path, Path]:
    """The files of a certificate and its key."""
    return (
        write_private(folder / "client.crt", certificate_of(name, days)),
        write_private(folder / "client.key", pem_of(name)),
    )


def public_jwk_of(name: str) -> dict[str, Any]:
    return {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key_of(name).public_key())), "alg": "ES256"}


def assertion_claims(token: str, key: Any, audience: str) -> dict[str, Any]:
    """The claims of an assertion whose signature and audience hold; times are for the caller to look at."""
    lax = {"verify_exp": False, "verify_iat": False, "require": ["iss", "sub", "aud", "exp", "iat", "jti"]}
    claims: dict[str, Any] = jwt.decode(token, key, list(ALGORITHMS), audience=audience, options=lax)  # type: ignore[arg-type]
    assert claims["aud"] == audience, "the only audience"
    return claims


def why_unproven(form: Mapping[str, str], key: Any, *, client_id: str, issuer: str, now: float) -> str | None:
    """What an IdP has against this client assertion (RFC 7523 §3); None when it is good. Each id counts once: see `jti`."""
    if form.get("client_assertion_type") != ASSERTION_TYPE or form.get("client_id") != client_id:
        return "no assertion of this client"
    try:
        claims = assertion_claims(form.get("client_assertion", ""), key, issuer)
    except (jwt.PyJWTError, AssertionError) as refusal:
        return str(refusal)
    if (claims["iss"], claims["sub"]) != (client_id, client_id):
        return "another client"
    return None if claims["iat"] <= now + 60 and now < claims["exp"] <= claims["iat"] + 60 else "not now"


def thumbprint_of(pem: str) -> str:
    der = x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256())
    return base64.urlsafe_b64encode(der).rstrip(b"=").decode()
