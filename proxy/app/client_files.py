"""The keys and certificates that Muster proves itself with, looked at before anything is served."""

from collections.abc import Iterator, Mapping
from typing import Final

from proxy.app.rules import idp_rules
from proxy.errors import Problem, SettingsError
from proxy.oidc.client_auth import ClientProof, certificate_thumbprint
from proxy.oidc.client_tls import ClientTls
from proxy.oidc.rules import ClientAuth, IdpRules
from proxy.session.model import Misconfigured
from proxy.settings.model import Settings

_KEY: Final = (
    "holds no private key that can sign: PEM or JWK without a passphrase; RSA from 2048 bits, EC P-256, P-384 or P-521, "
    "or Ed25519; with client_assertion.algorithm, one that fits it"
)
FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "client_secret_missing": ("client_secret", "holds no secret"),
    "client_secret_unreadable": ("client_secret", "cannot be read"),
    "client_key_missing": ("client_key", "holds no key"),
    "client_key_unreadable": ("client_key", "cannot be read"),
    "client_key_malformed": ("client_key", _KEY),
    "client_certificate_unreadable": ("client_certificate", "or its client_key cannot be read"),
    "client_certificate_malformed": (
        "client_certificate",
        "is not a certificate in PEM whose private key, without a passphrase, is in client_key",
    ),
}
"""What a proof's code means to an operator: the setting, and what is wrong with what it names."""


def check_client_files(settings: Settings) -> None:
    """Raises SettingsError with every key and certificate that cannot be used."""
    problems = tuple(_problems(settings))
    if problems:
        raise SettingsError(problems)


def client_fault(rules: IdpRules) -> Misconfigured | None:
    """Why this client could not prove itself now, if so."""
    if rules.client_auth.is_mutual_tls:
        shown = ClientTls(rules).context()
        return shown if isinstance(shown, Misconfigured) else None
    if rules.client_auth is not ClientAuth.PRIVATE_KEY_JWT:
        return None
    for part in (ClientProof(rules).signing_key(), certificate_thumbprint(rules)):
        if isinstance(part, Misconfigured):
            return part
    return None


def _problems(settings: Settings) -> Iterator[Problem]:
    for index, idp in enumerate(settings.idps):
        fault = client_fault(idp_rules(idp))
        if fault is not None:
            name, message = FAULTS[fault.code]
            path = f"idps[{index}].{name}"
            yield Problem(path=path, line=settings.line_of(path), message=message)
