"""TLS to an upstream: always verified, name and chain; its files are read again when they change.

While the changed files cannot be used (one of a pair was written, the other not yet), what was read before stands.
Source: RFC 9110 §4.3.4 (who is authoritative for an https origin).
"""

import os
import ssl
from typing import Final, TypeAlias

from proxy.edge.rules import TlsRules

LOOK_SECONDS: Final = 5.0
"""How often the files are looked at, one `stat` each."""

_PROTOCOL: Final = "http/1.1"

_Marks: TypeAlias = tuple[tuple[int, int, int], ...]


class UpstreamTls:
    """The context for one upstream. `fault` says why the files as they are now cannot be used."""

    __slots__ = ("_context", "_marks", "_rules", "fault")

    def __init__(self, rules: TlsRules) -> None:
        self._rules = rules
        self._context: ssl.SSLContext | None = None
        self._marks: _Marks | None = None
        self.fault: str | None = None

    @property
    def server_name(self) -> str:
        """Who must be at the other end."""
        return self._rules.server_name

    def context(self) -> ssl.SSLContext | None:
        """What to connect with now; None when the files never could be used (`fault` says why)."""
        try:
            marks = tuple(map(_mark, self._files()))
            if marks != self._marks:
                # Noted before loading: files that do not load are tried again when they change, not at every look.
                self._marks = marks
                self._context = _loaded(self._rules)
                self.fault = None
        except ValueError as error:
            self.fault = str(error)
        except OSError as error:
            self._marks = None
            self.fault = (
                f"{error.filename or 'a file'} cannot be read ({os.strerror(error.errno or 0).lower()})"
            )
        return self._context

    def _files(self) -> list[str]:
        rules = self._rules
        return [file for file in (rules.ca_file, rules.certificate_file, rules.key_file) if file is not None]


def _mark(path: str) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size, status.st_ino


def _loaded(rules: TlsRules) -> ssl.SSLContext:
    """Raises OSError for a file that cannot be read, ValueError with a sentence for one that cannot be used."""
    context = _verifying(rules.ca_file)
    if rules.certificate_file is not None:
        try:
            context.load_cert_chain(rules.certificate_file, rules.key_file, password=_refuse)
        except ssl.SSLError:
            raise ValueError("cert_file and key_file are no pair in PEM") from None
    return context


def _verifying(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca_file)
    except ssl.SSLError:
        raise ValueError("ca_file holds no certificate in PEM") from None
    # What create_default_context sets, said again: no release of it may take it away.
    context.check_hostname = True
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([_PROTOCOL])
    return context


def _refuse() -> str:
    """Asked for a passphrase: never on a terminal."""
    raise ValueError("key_file is under a passphrase")
