"""The doctor at how we prove ourselves: does it fit what the IdP announces, and how long does the certificate last."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from proxy.cli.doctor_finding import Finding, Findings, failed, warning
from proxy.oidc.client_auth import ClientProof
from proxy.oidc.metadata import Metadata
from proxy.oidc.pushed import push_endpoint
from proxy.oidc.rules import ClientAuth, IdpRules
from proxy.session.model import Misconfigured

LEAST_DAYS: Final = 30
"""A certificate that ends sooner is worth a warning: registering the next one takes people."""

_DAY: Final = 86_400.0
_UNSTATED: Final = ("client_secret_basic",)
"""What an IdP takes that announces no list (OpenID Connect Discovery 1.0 §3)."""

_PUSHES: Final[Mapping[str, str]] = {
    "push_required": "this IdP takes pushed requests only, and par says never",
    "push_not_offered": "pushed requests are demanded, and this IdP announces no endpoint for them",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A discovery document that was read, and what follows from it."""

    document: Mapping[str, object]
    metadata: Metadata


def examine_client(check: str, rules: IdpRules, announced: Announced) -> Findings:
    """What is to be said; nothing when all fits."""
    return [
        *_method(check, rules, announced.document),
        *_algorithm(check, rules, announced.document),
        *_pushing(check, rules, announced.metadata),
        *_certificate(check, rules),
    ]


def _method(check: str, rules: IdpRules, document: Mapping[str, object]) -> Iterator[Finding]:
    """A public client is asked for nothing, and few IdPs list `none`."""
    listed = _words(document, "token_endpoint_auth_methods_supported") or _UNSTATED
    if rules.client_auth is not ClientAuth.NONE and rules.client_auth.value not in listed:
        seen = f"the IdP announces {', '.join(listed)}, not {rules.client_auth.value}"
        yield warning(
            check, seen, "choose client_auth from that list, or see the client's settings at the IdP"
        )


def _algorithm(check: str, rules: IdpRules, document: Mapping[str, object]) -> Iterator[Finding]:
    listed = _words(document, "token_endpoint_auth_signing_alg_values_supported")
    if rules.client_auth is not ClientAuth.PRIVATE_KEY_JWT or not listed:
        return
    key = ClientProof(rules).signing_key()
    if not isinstance(key, Misconfigured) and key.algorithm not in listed:
        seen = f"assertions are signed with {key.algorithm}; the IdP announces {', '.join(listed)}"
        yield warning(check, seen, "set client_assertion.algorithm, or use another key")


def _pushing(check: str, rules: IdpRules, metadata: Metadata) -> Iterator[Finding]:
    place = push_endpoint(metadata, rules.push)
    if isinstance(place, Misconfigured):
        yield failed(check, _PUSHES[place.code], "set par: auto")


def _certificate(check: str, rules: IdpRules) -> Iterator[Finding]:
    """Whether it can be read at all is said by the attempt to use it."""
    if rules.certificate_file is None:
        return
    try:
        certificate = x509.load_pem_x509_certificate(Path(rules.certificate_file).read_bytes())
    except (OSError, ValueError):
        return
    days = (certificate.not_valid_after_utc.timestamp() - time.time()) / _DAY
    if days < 0:
        yield failed(check, "client_certificate has expired", "replace it and its key, here and at the IdP")
    elif days < LEAST_DAYS:
        yield warning(
            check, f"client_certificate ends in {days:.0f} days", "replace it in time, here and at the IdP"
        )


def _words(document: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The announced list, as far as it can be shown."""
    listed = document.get(name)
    if not isinstance(listed, list):
        return ()
    return tuple(
        word for word in listed[:30] if isinstance(word, str) and word.isprintable() and len(word) < 60
    )
