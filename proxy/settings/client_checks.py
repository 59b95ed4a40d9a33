"""What a method of client authentication needs, and what means nothing to it. A pure look at one IdP."""

from collections.abc import Iterator

from proxy.settings.client import BY_ASSERTION, BY_CERTIFICATE, BY_SECRET, ClientAssertion
from proxy.settings.idp import Idp


def client_mistakes(idp: Idp) -> Iterator[tuple[str, str]]:
    """The setting's name, and a sentence."""
    yield from _needs(idp)
    yield from _means_nothing(idp)


def _needs(idp: Idp) -> Iterator[tuple[str, str]]:
    method = idp.client_auth
    if method in BY_SECRET and idp.client_secret is None:
        yield "client_auth", f"{method} needs a client_secret"
    if method not in BY_SECRET and method != "none" and idp.client_key is None:
        yield "client_auth", f"{method} needs a client_key"
    if method in BY_CERTIFICATE and idp.client_certificate is None:
        yield "client_auth", f"{method} needs a client_certificate"
    if method in BY_CERTIFICATE and idp.client_key is not None and idp.client_key.file is None:
        yield "client_key", "a certificate's key is read from a file: write {file: PATH}"
    if method in BY_CERTIFICATE and not idp.issuer.startswith("https://"):
        yield "client_auth", f"{method} needs an IdP on https"


def _means_nothing(idp: Idp) -> Iterator[tuple[str, str]]:
    method = idp.client_auth
    if method == "none" and idp.client_secret is not None:
        yield "client_auth", "a public client (none) has no client_secret"
    elif method not in BY_SECRET and idp.client_secret is not None:
        yield "client_secret", f"{method} sends no secret: leave it out"
    for name in ("client_key", "client_certificate"):
        if method in BY_SECRET | {"none"} and getattr(idp, name) is not None:
            yield name, f"means nothing to {method}: leave it out, or choose another client_auth"
    if method != BY_ASSERTION and idp.client_assertion != ClientAssertion():
        yield "client_assertion", f"means nothing to {method}: only private_key_jwt sends one"
