"""The certificate that clients are shown: loaded anew when one of its files changes.

A new pair is tried in a context of its own first. While the changed files are no pair (one of the two was written, the other
not yet), or cannot be read, what was loaded before is shown. Connections that stand keep what they began with.

TLS 1.2 or later, and `http/1.1` as the only protocol of ALPN (RFC 7301).
"""

import os
import ssl
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final, TypeAlias

_Marks: TypeAlias = tuple[tuple[int, int, int], ...]

PROTOCOLS: Final = ["http/1.1"]


class Look(Enum):
    """What a look at the files found."""

    SAME = auto()
    LOADED = auto()
    UNUSABLE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """The two files, in PEM: a certificate with its chain, and its private key without a passphrase."""

    certificate: Path
    key: Path


class ListenerTls:
    """One pair of files. `context` is for the listener, and stays the same whatever the files become."""

    def __init__(self, rules: CertificateFiles) -> None:
        """Raises OSError, ssl.SSLError or ValueError for files that are no pair (`describe` says which it is)."""
        self._rules = rules
        self._seen = self._files()
        self._shown = self.context = load(rules)
        # Called for every handshake, with a server name or without: it is where the newest certificate comes in.
        self.context.sni_callback = self._show

    def look(self) -> Look:
        """Loads the files again if they changed (one `stat` a file)."""
        seen = self._files()
        if seen == self._seen:
            return Look.SAME
        self._seen = seen
        try:
            self._shown = load(self._rules)
        except (OSError, ValueError):  # an SSLError is an OSError
            return Look.UNUSABLE
        return Look.LOADED

    def _show(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        connection.context = self._shown

    def _files(self) -> _Marks | None:
        """What tells that they changed; None while one is not there."""
        try:
            return _mark(self._rules.certificate), _mark(self._rules.key)
        except OSError:
            return None

    def __repr__(self) -> str:
        return f"<certificate in {self._rules.certificate}>"


def load(rules: CertificateFiles) -> ssl.SSLContext:
    """A server's context. Raises OSError, ssl.SSLError for what is no pair, ValueError for a key under a passphrase."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(PROTOCOLS)
    context.load_cert_chain(rules.certificate, rules.key, password=_refuse)
    return context


def describe(error: OSError | ValueError) -> str:
    """What is wrong with a pair that cannot be loaded."""
    if isinstance(error, ssl.SSLError):
        return "certificate and key are not a pair in PEM"
    if isinstance(error, OSError):
        return f"certificate or key cannot be read: {error.strerror or 'no such file'}"
    return "the key is under a passphrase"


def _mark(path: Path) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size, status.st_ino


def _refuse() -> str:
    """Asked for a passphrase: never on a terminal."""
    raise ValueError("the key is under a passphrase")
