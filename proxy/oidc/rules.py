"""What the operator says about one OpenID Provider, as a frozen record, and what is known about each kind of IdP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

from proxy.groups.claim import ClaimRules
from proxy.identity import IdpId

DAY: Final = 86_400.0


@unique
class IdpKind(StrEnum):
    """Whose product the IdP is; `generic` knows no markers."""

    GENERIC = "generic"
    KEYCLOAK = "keycloak"
    ENTRA = "entra"
    OKTA = "okta"
    GOOGLE = "google"
    AUTH0 = "auth0"
    LOGTO = "logto"


@unique
class ClientAuth(StrEnum):
    """How we prove ourselves at the token endpoint (OpenID Connect Core §9, RFC 8705 §2)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"
    NONE = "none"

    @property
    def is_mutual_tls(self) -> bool:
        """The proof is the certificate that the connection shows (RFC 8705 §2)."""
        return self in (ClientAuth.TLS, ClientAuth.SELF_SIGNED_TLS)


@unique
class PushUse(StrEnum):
    """When the authorization request is pushed to the IdP first (RFC 9126): `auto` = where it offers that."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@unique
class UserinfoUse(StrEnum):
    """When userinfo is asked: `auto` = when the ID token states no groups or no e-mail address."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPaths:
    """Where the IdP states a person's attributes: a literal key first, else a dotted path. `directory_id` None: nowhere."""

    email: str = "email"
    email_verified: str = "email_verified"
    name: str = "name"
    username: str = "preferred_username"
    directory_id: str | None = None


def _no_secret() -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionRules:
    """What a client assertion says (`private_key_jwt`).

    `audience` None is the issuer; another is the operator's own text, never the IdP's metadata. `algorithm` None follows
    from the key. `type` is the header's `typ`.
    """

    audience: str | None = None
    algorithm: str | None = None
    key_id: str | None = None
    type: str = "JWT"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdpRules:
    """One OpenID Provider.

    `secret` and `key` (a private key: PEM or JWK) are asked at every use, so that a rotated file is read again; they may
    raise OSError. `certificate_file` and `key_file` are the pair for mutual TLS. `ask_again_codes` are
    error codes that mean "ask again" besides the table in `outcome.py`; `denied_markers` are whole error descriptions
    or suberrors (any case) that mean "denied". `timeout` is seconds for one exchange. `hosted_domains` are Google's
    `hd` values that count (lower-cased); empty: any. `ca_file` replaces the system's trust store for this IdP.
    `signing_algorithms` are those that its tokens may be signed with; empty: any that `tokens.py` takes.
    """

    id: IdpId
    name: str
    issuer: str
    client_id: str
    kind: IdpKind = IdpKind.GENERIC
    secret: Callable[[], str | None] = field(default=_no_secret, repr=False, compare=False)
    client_auth: ClientAuth = ClientAuth.BASIC
    key: Callable[[], str | None] = field(default=_no_secret, repr=False, compare=False)
    assertion: AssertionRules = field(default_factory=AssertionRules)
    certificate_file: str | None = None
    key_file: str | None = None
    push: PushUse = PushUse.AUTO
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups: ClaimRules = field(default_factory=ClaimRules)
    claims: ClaimPaths = field(default_factory=ClaimPaths)
    userinfo: UserinfoUse = UserinfoUse.AUTO
    is_email_trusted: bool = False
    hosted_domains: frozenset[str] = frozenset()
    ask_again_codes: frozenset[str] = frozenset()
    denied_markers: frozenset[str] = frozenset()
    timeout: float = 10.0
    extra_parameters: Mapping[str, str] = field(default_factory=dict)
    ca_file: str | None = None
    signing_algorithms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class KindFacts:
    """What an IdP's own documents and source say about its errors. All texts are in lower case.

    `denied_texts` are whole descriptions, `denied_codes` suberrors or numeric codes. `explained_*` say why a grant
    ended without saying anything about the person: such an answer starts no timer. `trouble_codes` and
    `our_fault_codes` overrule everything else: they never touch an account.
    """

    denied_texts: frozenset[str] = frozenset()
    denied_codes: frozenset[str] = frozenset()
    denied_codes_at_refresh: frozenset[str] = frozenset()
    explained_texts: frozenset[str] = frozenset()
    explained_codes: frozenset[str] = frozenset()
    trouble_codes: frozenset[str] = frozenset()
    our_fault_codes: frozenset[str] = frozenset()

    @property
    def has_marker(self) -> bool:
        return bool(self.denied_texts or self.denied_codes)


_KEYCLOAK: Final = KindFacts(
    denied_texts=frozenset({"user disabled"}),
    explained_texts=frozenset(
        {
            "token is not active",
            "stale token",
            "maximum allowed refresh token reuse exceeded",
            "client no longer has requested consent from user",
            "offline session invalid because offline access not granted anymore",
        }
    ),
)

_ENTRA: Final = KindFacts(
    denied_codes=frozenset({"50057", "50034", "51004"}),
    denied_codes_at_refresh=frozenset({"50020", "50105", "16003"}),
    explained_codes=frozenset(
        {"50173", "50132", "50133"}  # revoked by an administrator or a changed password
        | {"70008", "700082", "700084", "70043", "50089", "bad_token"}  # expired
        | {"50072", "50074", "50076", "50078", "50079", "50158", "65001"}  # another factor, or consent
        | {"53000", "53001", "53003"}  # policy: device, Conditional Access
    ),
    trouble_codes=frozenset({"50033", "50087", "70012", "80001", "80002", "80005", "80014"}),
    our_fault_codes=frozenset({"70002", "7000215", "70001", "700011", "650056"}),
)

KINDS: Final[Mapping[IdpKind, KindFacts]] = {
    IdpKind.GENERIC: KindFacts(),
    IdpKind.KEYCLOAK: _KEYCLOAK,
    IdpKind.ENTRA: _ENTRA,
    IdpKind.OKTA: KindFacts(),
    IdpKind.GOOGLE: KindFacts(explained_codes=frozenset({"invalid_rapt"})),
    IdpKind.AUTH0: KindFacts(denied_texts=frozenset({"user is blocked"})),
    IdpKind.LOGTO: KindFacts(denied_texts=frozenset({"user is suspended"})),
}
"""The known markers, by kind."""


def default_archive_delay(kind: IdpKind) -> float | None:
    """Seconds after which a plain `invalid_grant` archives, unless set (semantics §5.3); None = never.

    Where the IdP has a marker for a denied person, silence about one says something; elsewhere only time does.
    """
    return None if KINDS[kind].has_marker else DAY
