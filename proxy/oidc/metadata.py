"""What an OpenID Provider announces about itself, checked (OpenID Connect Discovery 1.0 §3 and §4.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from proxy.errors import NotTrusted

_LIMIT: Final = 2048
_ASKED: Final = (
    "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "pushed_authorization_request_endpoint",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The endpoints of one IdP. `is_issuer_in_answers`: callbacks must carry `iss` (RFC 9207 §2.4).

    `prompts` are the values of `prompt` that it knows (Initiating User Registration 1.0 §4.2); None: it does not say.
    `push_endpoint` takes authorization requests (RFC 9126 §5); `is_push_required`: it takes them nowhere else.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    revocation_endpoint: str | None = None
    end_session_endpoint: str | None = None
    push_endpoint: str | None = None
    is_push_required: bool = False
    is_issuer_in_answers: bool = False
    prompts: frozenset[str] | None = None


def discovery_url(issuer: str) -> str:
    """Where the document is (§4.1): a terminating slash goes first."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def read_metadata(document: Mapping[str, object], issuer: str, *, is_mutual_tls: bool = False) -> Metadata:
    """The announced endpoints. NotTrusted with a code when the document is another issuer's or cannot be used.

    With `is_mutual_tls` the addresses are those where a client shows its certificate, as far as the IdP has such
    (`mtls_endpoint_aliases`, RFC 8705 §5).
    """
    if document.get("issuer") != issuer:
        raise NotTrusted("discovery_issuer_mismatch")
    if is_mutual_tls:
        document = {**document, **_aliases(document)}
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_required(document, "authorization_endpoint", issuer),
        token_endpoint=_required(document, "token_endpoint", issuer),
        jwks_uri=_required(document, "jwks_uri", issuer),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint", issuer),
        revocation_endpoint=_endpoint(document, "revocation_endpoint", issuer),
        end_session_endpoint=_endpoint(document, "end_session_endpoint", issuer),
        push_endpoint=_endpoint(document, "pushed_authorization_request_endpoint", issuer),
        is_push_required=document.get("require_pushed_authorization_requests") is True,
        is_issuer_in_answers=document.get("authorization_response_iss_parameter_supported") is True,
        prompts=_prompts(document.get("prompt_values_supported")),
    )


def _prompts(announced: object) -> frozenset[str] | None:
    """Whatever is no list of words says nothing: no sign-in fails for it."""
    if not isinstance(announced, list) or not all(isinstance(word, str) for word in announced):
        return None
    return frozenset(announced)


def _aliases(document: Mapping[str, object]) -> Mapping[str, object]:
    """Other addresses of the endpoints that we ask ourselves; a browser is never sent to one."""
    stated = document.get("mtls_endpoint_aliases")
    if stated is None:
        return {}
    if not isinstance(stated, Mapping):
        raise NotTrusted("discovery_bad_endpoint")
    return {name: stated[name] for name in _ASKED if stated.get(name) is not None}


def _required(document: Mapping[str, object], name: str, issuer: str) -> str:
    url = _endpoint(document, name, issuer)
    if url is None:
        raise NotTrusted("discovery_incomplete")
    return url


def _endpoint(document: Mapping[str, object], name: str, issuer: str) -> str | None:
    """An announced URL. An https issuer cannot announce a plain http endpoint, nor any a fragment."""
    url = document.get(name)
    if url is None:
        return None
    if not isinstance(url, str) or not is_plain_url(url):
        raise NotTrusted("discovery_bad_endpoint")
    if urlsplit(issuer).scheme == "https" and urlsplit(url).scheme != "https":
        raise NotTrusted("discovery_insecure_endpoint")
    return url


def is_plain_url(url: str) -> bool:
    """An absolute http(s) URL with a host, without fragment, credentials, white space or controls."""
    if len(url) > _LIMIT or not url.isascii() or not url.isprintable() or " " in url or "#" in url:
        return False
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and port_is_valid
    )
