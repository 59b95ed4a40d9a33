"""The certificate that we show to an IdP (RFC 8705 §2): loaded anew when one of its files changes.

While the changed files are no pair (one of the two was written, the other not yet), or cannot be read, what was loaded
before stands: a rotation that is under way stops nobody.
"""

import os
import ssl
from typing import Final, TypeAlias

from proxy.oidc.rules import IdpRules
from proxy.oidc.transport import Tls
from proxy.session.model import Misconfigured

_Marks: TypeAlias = tuple[tuple[int, int, int], ...]

UNREADABLE: Final = Misconfigured(code="client_certificate_unreadable")
MALFORMED: Final = Misconfigured(code="client_certificate_malformed")


class ClientTls:
    """One client's side of mutual TLS. It is for methods with a certificate alone (`ClientAuth.is_mutual_tls`)."""

    def __init__(self, rules: IdpRules) -> None:
        self._rules = rules
        self._marks: _Marks = ()
        self._context: ssl.SSLContext | None = None

    def context(self) -> Tls | Misconfigured:
        """What to connect with now (one `stat` a file)."""
        rules = self._rules
        if rules.certificate_file is None or rules.key_file is None:
            return UNREADABLE
        files = [rules.certificate_file, rules.key_file, *([rules.ca_file] if rules.ca_file else [])]
        try:
            marks = tuple(map(_mark, files))
            if marks != self._marks:
                self._context, self._marks = (
                    _load(rules.certificate_file, rules.key_file, rules.ca_file),
                    marks,
                )
        except (ssl.SSLError, ValueError):
            return self._context or MALFORMED
        except OSError:
            return self._context or UNREADABLE
        return self._context or MALFORMED

    def __repr__(self) -> str:
        return f"<certificate in {self._rules.certificate_file}>"


def _mark(path: str) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size, status.st_ino


def _load(certificate: str, key: str, authorities: str | None) -> ssl.SSLContext:
    """Raises OSError, ssl.SSLError for what is no pair, ValueError for a key under a passphrase."""
    context = ssl.create_default_context(cafile=authorities)
    context.load_cert_chain(certificate, key, password=_refuse)
    return context


def _refuse() -> str:
    """Asked for a passphrase: never on a terminal."""
    raise ValueError("the key is under a passphrase")
