"""One identity provider of the list `idps`."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from proxy.settings.addresses import Issuer
from proxy.settings.client import ClientAssertion, ClientAuth, Push
from proxy.settings.directory import Directory
from proxy.settings.durations import Duration, PositiveDuration
from proxy.settings.files import FileToRead
from proxy.settings.people import check_domain
from proxy.settings.secrets import Secret, SecretDocument
from proxy.settings.section import Section, setting
from proxy.settings.text import IdpName, Text, Texts, as_tuple

Kind = Literal["generic", "keycloak", "entra", "okta", "google", "auth0", "logto"]

_WITH_MARKER: Final = frozenset({"keycloak", "entra", "auth0", "logto"})
_RESERVED: Final = frozenset(
    {
        "client_id", "client_secret", "code", "code_challenge", "code_challenge_method", "grant_type", "nonce",
        "redirect_uri", "response_mode", "response_type", "scope", "state", "client_assertion",
        "client_assertion_type", "request", "request_uri",
    }
)  # fmt: skip


def check_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Scopes of an OpenID request: `openid` is among them (OpenID Connect Core §3.1.2.1)."""
    if "openid" not in scopes:
        raise ValueError("the scope openid is missing; without it there is no ID token")
    for scope in scopes:
        if not scope or not all("!" <= sign <= "~" and sign not in '"\\' for sign in scope):
            raise ValueError(f"{scope!r} is not a scope (one word each, as a list)")
    return scopes


def check_extra_parameters(parameters: dict[str, str]) -> dict[str, str]:
    """Parameters that the flow itself sets cannot be set again."""
    for name in sorted(_RESERVED & parameters.keys()):
        raise ValueError(f"{name} is set by Muster itself")
    return parameters


def check_plain_domain(text: str) -> str:
    """A domain as `check_domain` spells it; not `*`, which would choose for everybody."""
    if text == "*":
        raise ValueError("name each domain; `*` would send everybody to this IdP")
    return check_domain(text)


class ClaimNames(Section):
    """Where an IdP puts what. A path is a literal key first (`https://example.com/roles`), else dotted (`realm_access.roles`)."""

    groups: Texts = setting(("groups",), "Claim paths that may hold groups; the first that is there is read.")
    email: Text = setting("email", "The e-mail address.")
    email_verified: Text = setting("email_verified", "Whether the IdP has verified the address.")
    name: Text = setting("name", "The full name, for people to read.")
    username: Text = setting("preferred_username", "The user name; a new account's login is made from it.")


class AskAgainArchives(Section):
    """When an IdP that cannot say "suspended" is taken to mean it. `after` is in seconds; None means never."""

    after: Duration | None = setting(None, "How long after a bare `invalid_grant` the account is archived.")


def _never(value: Any) -> Any:
    if value == "never":
        return {}
    if isinstance(value, dict) and value.get("after") is not None:
        return value
    if isinstance(value, AskAgainArchives):
        return value
    raise ValueError("write never, or {after: 24h}")


def _after_asking(values: dict[str, Any]) -> Any:
    return "never" if values.get("kind") in _WITH_MARKER else {"after": "24h"}


def _client_auth(values: dict[str, Any]) -> ClientAuth:
    return "client_secret_basic" if values.get("client_secret") else "none"


SigningAlgorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]


class Idp(Section):
    """An OpenID Provider that people sign in with."""

    id: Annotated[
        IdpName,
        Field(
            description="A short name of your own: small letters, digits, `-` and `_`. "
            "Sessions, statements, logs and metrics name the IdP by it; changing it makes people sign in again.",
            examples=["corp"],
        ),
    ]
    name: Text | None = setting(None, "What people read on the sign-in page; null = the id.")
    kind: Kind = setting(
        "generic",
        "Which product it is. It decides which error markers mean that a person was suspended, "
        "and the default of `ask_again_archives`.",
    )
    issuer: Annotated[
        Issuer,
        Field(
            description="The issuer, exactly as in the IdP's discovery document (a trailing slash counts).",
            examples=["https://idp.example.com"],
        ),
    ]
    client_id: Annotated[
        Text, Field(description="The client that you registered at the IdP for Muster.", examples=["muster"])
    ]
    client_secret: Secret | None = setting(
        None, "Its secret, as {file: PATH} or {env: NAME}; null = a public client."
    )
    client_auth: Annotated[
        ClientAuth,
        Field(
            default_factory=_client_auth,
            description="How Muster proves itself to this IdP: `client_secret_basic` and `client_secret_post` send the secret, "
            "`private_key_jwt` a short-lived JWT signed with `client_key`, `tls_client_auth` and "
            "`self_signed_tls_client_auth` show `client_certificate`. Left out: `client_secret_basic` with a secret, "
            "`none` without.",
            examples=["client_secret_basic"],
        ),
    ]
    client_key: SecretDocument | None = setting(
        None,
        "The private key, as {file: PATH}: PEM or JWK for `private_key_jwt`, PEM for a certificate. Without a passphrase.",
    )
    client_certificate: FileToRead | None = setting(
        None,
        "A PEM file with the certificate that is shown to the IdP, and what stands between it and an authority. With "
        "`private_key_jwt` its thumbprint names the key (`x5t#S256`, which Entra wants).",
    )
    client_assertion: ClientAssertion = setting({}, "What the JWT of `private_key_jwt` says.")
    par: Push = setting(
        "auto",
        "Whether a sign-in's request is pushed to the IdP first, so that the browser only carries its name (RFC 9126): `auto` = "
        "where the IdP offers it.",
    )
    scopes: Annotated[tuple[str, ...], AfterValidator(check_scopes)] = setting(
        ("openid", "profile", "email"),
        "What is asked for. Many IdPs want `groups` here, some `offline_access`.",
    )
    claims: ClaimNames = setting({}, "Where this IdP puts what.")
    groups_separator: str | None = setting(
        None,
        "Splits a groups claim that is one string, such as `,`; null = one string is one group.",
        min_length=1,
        max_length=8,
    )
    absent_groups: Literal["not_stated", "empty"] = setting(
        "not_stated",
        "What an absent groups claim means: `not_stated` takes nothing away, `empty` means that the person is in no group. "
        "Okta leaves the claim out for people without groups.",
    )
    userinfo: Literal["auto", "always", "never"] = setting(
        "auto",
        "When the userinfo endpoint is asked: `auto` = when the ID token lacks a claim that is needed.",
    )
    trust_email: bool = setting(False, "Count this IdP's e-mail addresses as verified, whatever it says.")
    domains: Annotated[
        tuple[Annotated[str, AfterValidator(check_plain_domain)], ...],
        BeforeValidator(as_tuple, json_schema_input_type=str | list[str]),
    ] = setting(
        (),
        "E-mail domains whose people are sent to this IdP once they write their address on the page where they choose. "
        "Who may join is said by joining.domains.",
    )
    callback: Literal["own", "shared"] | None = setting(
        None,
        "Where this IdP's answers come to, to be registered there as the redirect URI: `own` = /_muster/callback/ID, "
        "`shared` = /_muster/callback; null = own where several IdPs are listed, else shared. Among several, `shared` is only "
        "for an IdP that puts `iss` into its answers (RFC 9207).",
    )
    hosted_domains: Texts = setting(
        (), "Google: the `hd` values that count, besides being listed in joining.domains; empty = any."
    )
    ask_again_archives: Annotated[
        AskAgainArchives,
        BeforeValidator(_never, json_schema_input_type=Literal["never"] | AskAgainArchives),
        Field(
            default_factory=_after_asking,
            description="Whether a refused refresh that names no cause archives the account: `never`, "
            "or `{after: 24h}` unless the person signs in again meanwhile. Left out: `never` for kinds that say "
            "when somebody is suspended (keycloak, entra, auth0, logto), `{after: 24h}` for the others.",
            examples=[{"after": "24h"}],
        ),
    ]
    ask_again_codes: Texts = setting(
        (), "Further error codes of a refresh that mean: ask the person to sign in again."
    )
    denied_markers: Texts = setting(
        (),
        "Further whole texts of `error_description` or `suberror` that mean: this person is suspended.",
    )
    directory: Directory | None = setting(
        None,
        "The IdP's API for administrators: it says whether somebody was suspended or is gone without their browser, and which "
        "groups they are in. null = it is not asked.",
    )
    signing_algorithms: tuple[SigningAlgorithm, ...] = setting(
        (),
        "What this IdP's ID tokens and logout tokens may be signed with; empty = any of them. Name the one that you chose for "
        "the client at the IdP, and a token signed otherwise is refused even under a key of the IdP.",
    )
    front_channel_logout: bool = setting(
        False,
        "Obey this IdP's front-channel logout: whoever loads `/_muster/frontchannel-logout` with its `iss` and a `sid` ends the "
        "sessions of that `sid`. Nothing in it is signed; back-channel logout is better where the IdP has it.",
    )
    timeout: PositiveDuration = setting("10s", "How long one call to the IdP may take.")
    extra_parameters: Annotated[dict[str, str], AfterValidator(check_extra_parameters)] = setting(
        {}, "Parameters added to the authorization request, such as `{organization: acme}`."
    )
    ca_file: FileToRead | None = setting(
        None, "A PEM file with the authorities that sign the IdP's certificate; it replaces the system's."
    )

    @property
    def title(self) -> str:
        """What people read."""
        return self.name or self.id
