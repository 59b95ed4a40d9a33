"""The directory of an IdP: its API for administrators, asked about people without their browser (`docs/directories.md`)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field

from proxy.settings.addresses import Endpoint
from proxy.settings.durations import PositiveDuration
from proxy.settings.secrets import Secret, SecretDocument
from proxy.settings.section import Section, setting
from proxy.settings.text import Text, Texts

DirectoryKind = Literal["keycloak", "okta", "entra", "google"]

GRAPH: Final = "https://graph.microsoft.com"
GOOGLE: Final = "https://admin.googleapis.com"
GOOGLE_TOKEN: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 -- an address

_REALM: Final = re.compile(r"(?P<server>.*)/realms/(?P<realm>[^/]+)")
_TENANT: Final = re.compile(r"(?P<authority>https?://[^/]+/[^/]+)/v2\.0/?")
_OLD_TENANT: Final = re.compile(r"https://sts\.windows\.net/(?P<tenant>[^/]+)/?")

_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "keycloak": (),
    "okta": (),
    "entra": (),
    "google": ("key", "admin"),
}
_TAKES: Final[dict[str, frozenset[str]]] = {
    "keycloak": frozenset({"client_id", "client_secret", "group_names"}),
    "okta": frozenset({"token", "client_id", "key", "key_id"}),
    "entra": frozenset({"client_id", "client_secret"}),
    "google": frozenset({"key", "admin", "domains"}),
}
_PARTICULAR: Final = frozenset().union(*_TAKES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the API and its token endpoint are; no trailing slash."""

    url: str
    token_url: str


def _id_claim(values: dict[str, Any]) -> str:
    return "oid" if values.get("kind") == "entra" else "sub"


class Directory(Section):
    """What one needs depends on the kind; `docs/directories.md` says how to give it the least rights."""

    kind: Annotated[
        DirectoryKind,
        Field(
            description="Whose API it is. `entra` is Microsoft Graph, `google` the Admin SDK Directory API.",
            examples=["keycloak"],
        ),
    ]
    groups: bool = setting(
        False,
        "Ask the directory for groups whenever the sign-in or a refresh states none (Entra above 200 groups; Google, "
        "which has no groups claim). It names them as `docs/directories.md` says: links must use the same names for both.",
    )
    id_claim: Annotated[
        Text,
        Field(
            default_factory=_id_claim,
            description="The claim that is the person's id in the directory. Left out: `oid` for entra, `sub` for the others.",
            examples=["sub"],
        ),
    ]
    client_id: Text | None = setting(
        None,
        "keycloak, entra: the client that may read the directory; null = the IdP's own `client_id` and secret. "
        "okta: the service app, with `key`.",
    )
    client_secret: Secret | None = setting(None, "keycloak, entra: the secret of that client.")
    token: Secret | None = setting(None, "okta: an API token, instead of `client_id` and `key`.")
    key: SecretDocument | None = setting(
        None,
        "A private key. google: the service account's key file (JSON), as downloaded. okta: the service app's key, PEM or JWK.",
    )
    key_id: Text | None = setting(None, "okta: the key's `kid`, where a PEM file does not say it.")
    admin: Text | None = setting(
        None, "google: the address of the administrator whom the service account acts for."
    )
    domains: Texts = setting(
        (),
        "google: the domains whose people are in this directory; empty = the administrator's domain. It judges nobody else.",
    )
    group_names: Literal["name", "path"] = setting(
        "name", "keycloak: how groups are named: `engineers`, or with the path `/staff/engineers`."
    )
    timeout: PositiveDuration = setting("5s", "How long one question may take in all.")
    url: Endpoint | None = setting(
        None,
        "The API's address, where it does not follow from the issuer. keycloak: up to `/admin/realms/NAME`; entra: Microsoft "
        "Graph's origin (national clouds have others).",
    )
    token_url: Endpoint | None = setting(
        None, "The token endpoint, where it does not follow from the issuer."
    )

    def places(self, issuer: str) -> Places | None:
        """The addresses, as written or as they follow from the IdP's issuer; None where neither says."""
        url, token_url = _DEFAULTS[self.kind](issuer)
        url, token_url = self.url or url, self.token_url or token_url
        return None if url is None or token_url is None else Places(url=url, token_url=token_url)

    def mistakes(self, issuer: str) -> Iterator[tuple[str, str]]:
        """What does not fit the kind: the setting's name, and a sentence."""
        for name in sorted(_PARTICULAR - _TAKES[self.kind]):
            if getattr(self, name) not in (None, (), "name"):
                yield name, f"means nothing for the kind {self.kind}: leave it out"
        for name in _NEEDS[self.kind]:
            if not getattr(self, name):
                yield name, f"the kind {self.kind} needs it"
        if self.kind == "okta":
            yield from self._okta_mistakes()
        elif (self.client_id is None) != (self.client_secret is None):
            yield (
                "client_secret",
                "client_id and client_secret go together; without both the IdP's own are used",
            )
        if self.kind == "google" and self.admin is not None and "@" not in self.admin:
            yield "admin", "write the administrator's e-mail address"
        if self.places(issuer) is None:
            yield "url", "does not follow from this issuer: write url and token_url"

    def _okta_mistakes(self) -> Iterator[tuple[str, str]]:
        is_by_key = self.client_id is not None and self.key is not None
        if self.token is not None and (self.client_id is not None or self.key is not None):
            yield "token", "write either token, or client_id and key"
        elif self.token is None and not is_by_key:
            yield "token", "the kind okta needs token, or client_id and key"


def _keycloak(issuer: str) -> tuple[str | None, str | None]:
    match = _REALM.fullmatch(issuer.rstrip("/"))
    if match is None:
        return None, None
    return f"{match['server']}/admin/realms/{match['realm']}", f"{match[0]}/protocol/openid-connect/token"


def _okta(issuer: str) -> tuple[str | None, str | None]:
    """The organisation's own authorization server, whatever custom one people sign in at: only it gives such tokens."""
    parts = urlsplit(issuer)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin, f"{origin}/oauth2/v1/token"


def _entra(issuer: str) -> tuple[str | None, str | None]:
    if old := _OLD_TENANT.fullmatch(issuer):
        return GRAPH, f"https://login.microsoftonline.com/{old['tenant']}/oauth2/v2.0/token"
    match = _TENANT.fullmatch(issuer)
    return GRAPH, f"{match['authority']}/oauth2/v2.0/token" if match else None


def _google(issuer: str) -> tuple[str | None, str | None]:
    return GOOGLE, GOOGLE_TOKEN


_DEFAULTS: Final = {"keycloak": _keycloak, "okta": _okta, "entra": _entra, "google": _google}
