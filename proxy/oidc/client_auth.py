"""How we prove ourselves to the endpoints of an IdP, in header and form.

| method                        | what is sent                                                          | source           |
|-------------------------------|-----------------------------------------------------------------------|------------------|
| `client_secret_basic`         | id and secret, form-encoded, in the Authorization header              | RFC 6749 §2.3.1  |
| `client_secret_post`          | id and secret in the form                                             | the same         |
| `private_key_jwt`             | the id, and a JWT that lives a minute, for the issuer alone           | RFC 7523 §2.2    |
| `tls_client_auth`,            | the id; the connection shows the certificate (`client_tls.py`)        | RFC 8705 §2      |
| `self_signed_tls_client_auth` |                                                                       |                  |
| `none`                        | the id                                                                | RFC 6749 §2.3.1  |

The audience is the issuer whatever endpoint is asked: with an address that the IdP itself announced, a hostile IdP could
have us sign a proof that another one takes (the audience injection of 2025; draft-ietf-oauth-rfc7523bis).
"""

import base64
import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote_plus

from proxy.oidc.assertion import SigningKey, public_jwk, read_key, sign_assertion
from proxy.oidc.rules import ClientAuth, IdpRules
from proxy.session.model import Misconfigured

ASSERTION_LIFE: Final = 60
"""Seconds. Clocks that are further apart than this need setting, not more time for a thief."""

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What goes into the header and into the form. `made_of` is the secret or key behind it, to see that it was rotated."""

    headers: Mapping[str, str] = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    made_of: str = field(default="", repr=False, compare=False)


class ClientProof:
    """The proofs of one client. It keeps the key that it read last: a file that was half written stops nobody."""

    def __init__(self, rules: IdpRules) -> None:
        self._rules = rules
        self._text = ""
        self._key: SigningKey | None = None

    def credentials(self, now: float) -> Credentials | Misconfigured:
        """A proof for one request. Secret and key are read at every use, so that a rotated file counts."""
        rules = self._rules
        match rules.client_auth:
            case ClientAuth.BASIC | ClientAuth.POST:
                return _by_secret(rules)
            case ClientAuth.PRIVATE_KEY_JWT:
                key = self.signing_key()
                return key if isinstance(key, Misconfigured) else self._by_key(key, now)
            case ClientAuth.TLS | ClientAuth.SELF_SIGNED_TLS | ClientAuth.NONE:
                return Credentials(headers={}, fields={"client_id": rules.client_id})

    def signing_key(self) -> SigningKey | Misconfigured:
        """The key that stands in the file now; while what stands there is no key, the one before."""
        try:
            text = self._rules.key()
        except OSError:
            return self._key or Misconfigured(code="client_key_unreadable")
        if not text:
            return self._key or Misconfigured(code="client_key_missing")
        if text != self._text:
            stated = self._rules.assertion
            self._text, self._key = text, read_key(text, stated.key_id, stated.algorithm) or self._key
        return self._key or Misconfigured(code="client_key_malformed")

    def published(self) -> tuple[Mapping[str, str], ...] | None:
        """The public half of that key, as a set of one, empty while there is none; None where another method is used."""
        if self._rules.client_auth is not ClientAuth.PRIVATE_KEY_JWT:
            return None
        key = self.signing_key()
        return () if isinstance(key, Misconfigured) else (public_jwk(key),)

    def _by_key(self, key: SigningKey, now: float) -> Credentials | Misconfigured:
        rules, thumbprint = self._rules, certificate_thumbprint(self._rules)
        if isinstance(thumbprint, Misconfigured):
            return thumbprint
        header = {"typ": rules.assertion.type, **({"x5t#S256": thumbprint} if thumbprint else {})}
        assertion = sign_assertion(
            key,
            issuer=rules.client_id,
            subject=rules.client_id,
            audience=rules.assertion.audience or rules.issuer,
            now=now,
            life=ASSERTION_LIFE,
            header=header,
        )
        proof = {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}
        return Credentials(
            headers={},
            fields={"client_id": rules.client_id, **proof},
            made_of=self._text + (thumbprint or ""),
        )

    def __repr__(self) -> str:
        return f"<proof of {self._rules.client_id!r} by {self._rules.client_auth}>"


def certificate_thumbprint(rules: IdpRules) -> str | Misconfigured | None:
    """The certificate's SHA-256 for `x5t#S256` (RFC 7515 §4.1.8), by which Entra finds the key; None without one."""
    if rules.certificate_file is None:
        return None
    try:
        der = ssl.PEM_cert_to_DER_cert(_first_certificate(Path(rules.certificate_file).read_text()))
    except OSError:
        return Misconfigured(code="client_certificate_unreadable")
    except ValueError:
        return Misconfigured(code="client_certificate_malformed")
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def _first_certificate(pem: str) -> str:
    begin, end = ssl.PEM_HEADER, ssl.PEM_FOOTER
    start = pem.index(begin)
    return pem[start : pem.index(end, start) + len(end)]


def _by_secret(rules: IdpRules) -> Credentials | Misconfigured:
    try:
        secret = rules.secret()
    except OSError:
        return Misconfigured(code="client_secret_unreadable")
    if not secret:
        return Misconfigured(code="client_secret_missing")
    if rules.client_auth is ClientAuth.POST:
        fields = {"client_id": rules.client_id, "client_secret": secret}
        return Credentials(headers={}, fields=fields, made_of=secret)
    return Credentials(headers={"Authorization": _basic(rules.client_id, secret)}, fields={}, made_of=secret)


def _basic(client_id: str, secret: str) -> str:
    """Both halves are form-encoded first, which many clients forget: a `:` or `%` in either would be misread."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
