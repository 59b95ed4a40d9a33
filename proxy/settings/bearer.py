"""One issuer of bearer tokens of the list `bearer`: clients that show a token instead of a session's cookie."""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from proxy.settings.addresses import Endpoint, Issuer
from proxy.settings.durations import PositiveDuration
from proxy.settings.files import FileToRead
from proxy.settings.idp import ClaimNames
from proxy.settings.secrets import Secret
from proxy.settings.section import Section, setting
from proxy.settings.text import IdpName, Text, Texts

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]
LONGEST_KEPT: Final = 300.0


class Introspection(Section):
    """Where an opaque token's issuer says what it is worth (RFC 7662)."""

    url: Annotated[
        Endpoint,
        Field(description="The endpoint.", examples=["https://idp.example.com/oauth2/introspect"]),
    ]
    client_id: Annotated[Text, Field(description="The client that may ask.", examples=["muster-api"])]
    client_secret: Annotated[
        Secret,
        Field(
            description="Its secret, as {file: PATH} or {env: NAME}.",
            examples=[{"file": "introspection.secret"}],
        ),
    ]
    kept: PositiveDuration = setting(
        "1m", "How long an answer is believed, at most 5m: a revoked token is good for so long."
    )


class Bearer(Section):
    """An issuer of bearer tokens: one of `idps`, or another one."""

    idp: IdpName | None = setting(
        None,
        "The `idps` entry whose access tokens these are: issuer, claims and trust are its own, and whoever signs in there is the "
        "same person. null = `id` and `issuer` say whose.",
    )
    id: IdpName | None = setting(
        None,
        "Without `idp`: a short name of your own, as an IdP's; statements and logs name the issuer by it.",
    )
    issuer: Issuer | None = setting(None, "Without `idp`: the issuer, exactly as the tokens state it.")
    audiences: Annotated[
        Texts,
        Field(
            min_length=1,
            description="Which `aud` values mean this app; a token must carry one. Never a client's id of your own "
            "where `plain_jwt` is on: ID tokens carry that.",
            examples=[["https://app.example.com"]],
        ),
    ]
    required_scopes: Texts = setting((), "Scopes that a token must all carry; without one it gets 403.")
    algorithms: tuple[Algorithm, ...] = setting(
        (), "How tokens may be signed; empty = any asymmetric algorithm. `none` and HMAC are never taken."
    )
    plain_jwt: bool = setting(
        False,
        "Take tokens whose header says `JWT` or nothing instead of `at+jwt` (RFC 9068), as Entra, Okta and Keycloak sign them "
        "unless told otherwise. Whatever looks like an ID token is refused all the same.",
    )
    jwks_url: Endpoint | None = setting(
        None, "Where the issuer's keys are; null = as its discovery document says."
    )
    introspection: Introspection | None = setting(
        None,
        "Where opaque tokens are asked about, for one issuer at most: such a token does not say whose it is, and is shown to "
        "nobody else. null = only signed tokens.",
    )
    claims: ClaimNames = setting({}, "Without `idp`: where the tokens put what.")
    groups_separator: str | None = setting(
        None, "Without `idp`: splits a groups claim that is one string.", min_length=1, max_length=8
    )
    trust_email: bool = setting(False, "Without `idp`: count the tokens' e-mail addresses as verified.")
    timeout: PositiveDuration = setting("10s", "Without `idp`: how long one call to the issuer may take.")
    ca_file: FileToRead | None = setting(
        None, "Without `idp`: a PEM file with the authorities that sign the issuer's certificate."
    )

    @property
    def name(self) -> str:
        """The name by which statements and logs know the issuer."""
        return self.idp or self.id or ""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What contradicts itself: the setting, and a sentence."""
        if self.idp is not None:
            for name in sorted(_OWN & self.model_fields_set):
                yield name, "the IdP that `idp` names has its own: leave this out"
        else:
            for name in ("id", "issuer"):
                if getattr(self, name) is None:
                    yield name, "name one of `idps` as `idp`, or write `id` and `issuer`"
        if self.introspection is not None and self.introspection.kept > LONGEST_KEPT:
            yield "introspection", "kept is at most 5m: a revoked token must soon be worth nothing"


_OWN: Final = frozenset({"id", "issuer", "claims", "groups_separator", "trust_email", "timeout", "ca_file"})
