"""The demo IdP's signing keys: the newest signs, all are published."""

import base64
import hashlib
import secrets
from typing import Any, Literal, TypeAlias

from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, KeySet, KeySetSerialization, RSAKey

Algorithm: TypeAlias = Literal["RS256", "ES256"]


class SigningKeys:
    """Keys of one algorithm; `rotate` adds a new one that signs from then on."""

    def __init__(self, algorithm: Algorithm) -> None:
        self.algorithm = algorithm
        self._keys: list[RSAKey | ECKey] = []
        self.rotate()

    def rotate(self, *, keep: bool = True) -> None:
        """Sign with a new key; `keep` goes on publishing the old ones."""
        parameters: KeyParameters = {"kid": secrets.token_hex(8), "use": "sig", "alg": self.algorithm}
        key: RSAKey | ECKey
        if self.algorithm == "RS256":
            key = RSAKey.generate_key(2048, parameters, private=True)
        else:
            key = ECKey.generate_key("P-256", parameters, private=True)
        self._keys = [*(self._keys if keep else []), key]

    def published(self) -> KeySetSerialization:
        """The JWK set, public halves only (RFC 7517)."""
        return KeySet(list(self._keys)).as_dict(private=False)

    def sign(self, claims: dict[str, Any], typ: str = "JWT") -> str:
        key = self._keys[-1]
        return jwt.encode({"alg": self.algorithm, "kid": key.kid, "typ": typ}, claims, key)


def at_hash(access_token: str) -> str:
    """Left half of the access token's SHA-256 (OpenID Connect Core §3.1.3.6)."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
