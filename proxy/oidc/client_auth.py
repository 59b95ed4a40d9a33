"""How we prove ourselves to a token endpoint (OpenID Connect Core §9, RFC 6749 §2.3.1)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from proxy.oidc.rules import ClientAuth, IdpRules
from proxy.session.model import Misconfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What goes into the header and into the form."""

    headers: Mapping[str, str] = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)


def credentials(rules: IdpRules) -> Credentials | Misconfigured:
    """The client's proof by the configured method. The secret is read at every use, so that a rotated file counts."""
    if rules.client_auth is ClientAuth.NONE:
        return Credentials(headers={}, fields={"client_id": rules.client_id})
    try:
        secret = rules.secret()
    except OSError:
        return Misconfigured(code="client_secret_unreadable")
    if not secret:
        return Misconfigured(code="client_secret_missing")
    if rules.client_auth is ClientAuth.POST:
        return Credentials(headers={}, fields={"client_id": rules.client_id, "client_secret": secret})
    return Credentials(headers={"Authorization": _basic(rules.client_id, secret)}, fields={})


def _basic(client_id: str, secret: str) -> str:
    """Both halves are form-encoded first, which many clients forget: a `:` or `%` in either would be misread."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
