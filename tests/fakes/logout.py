"""Logout tokens as an IdP writes them, and as none should."""

from typing import Any, Final

from proxy.oidc.logout import EVENT
from tests.fakes.idp import CLIENT_ID, SigningKey, rsa_key, sign

LEFT_OUT: Final = object()


def logout_token(
    issuer: str,
    now: float,
    *,
    key: SigningKey | bytes | None = None,
    header: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """One for alice's session `s1`, signed by the IdP's key; `changes` replace claims, `LEFT_OUT` takes one away."""
    signing = key or rsa_key()
    kid = None if isinstance(signing, bytes) else signing.kid
    plain: dict[str, Any] = {
        "iss": issuer,
        "sub": "alice",
        "sid": "s1",
        "aud": CLIENT_ID,
        "iat": int(now),
        "exp": int(now) + 120,
        "jti": "jti-1",
        "events": {EVENT: {}},
    }
    claims = {name: value for name, value in (plain | changes).items() if value is not LEFT_OUT}
    return sign(claims, signing, {"alg": "RS256", "kid": kid, "typ": "logout+jwt"} | (header or {}))
