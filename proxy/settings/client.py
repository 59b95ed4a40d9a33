"""How Muster proves itself to an IdP, beyond a secret: what one client assertion says."""

from typing import Final, Literal

from proxy.settings.section import Section, setting
from proxy.settings.text import Text

ClientAuth = Literal[
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
]
Push = Literal["auto", "always", "never"]

BY_SECRET: Final = frozenset({"client_secret_basic", "client_secret_post"})
BY_CERTIFICATE: Final = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})
BY_ASSERTION: Final = "private_key_jwt"


class ClientAssertion(Section):
    """What the JWT of `private_key_jwt` says; `docs/client-authentication.md` has what each IdP wants."""

    key_id: Text | None = setting(
        None, "The `kid` that the IdP knows the key by; null = the one that a JWK states, if any."
    )
    algorithm: (
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
        | None
    ) = setting(
        None,
        "What it is signed with; null = as a JWK states, else by the key: RS256 for RSA, ES256, ES384 or ES512 for EC, "
        "EdDSA for Ed25519.",
    )
    audience: Text | None = setting(
        None,
        "Whom it is for; null = the issuer. Write the token endpoint's address for an IdP that takes nothing else (Entra). It is "
        "never taken from what the IdP announces, which could be another IdP's.",
    )
    type: Literal["JWT", "client-authentication+jwt"] = setting(
        "JWT", "Its `typ`; some IdPs want the explicit one (PingFederate 13.1)."
    )
