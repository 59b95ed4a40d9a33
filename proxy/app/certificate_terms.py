"""What a certificate promises, until when and for which names, and what of it is in doubt."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

LEAST_DAYS: Final = 14
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`begins` and `ends` in seconds since the epoch; `names` in lower case, host names (perhaps `*.rest`) and addresses."""

    begins: float
    ends: float
    names: frozenset[str]


def terms_of(pem: bytes) -> Terms | None:
    """Of the first certificate in a PEM file; None where there is none that can be read."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        return Terms(
            begins=certificate.not_valid_before_utc.timestamp(),
            ends=certificate.not_valid_after_utc.timestamp(),
            names=_names(certificate),
        )
    except ValueError:
        return None


def _names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        stated = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    hosts = (name.lower() for name in stated.get_values_for_type(x509.DNSName))
    return frozenset((*hosts, *map(str, stated.get_values_for_type(x509.IPAddress))))


def doubts_about(terms: Terms, host: str, now: float) -> Iterator[str]:
    """Sentences about what browsers would not accept at this host, now or soon."""
    if not _is_for(terms, host):
        named = ", ".join(sorted(terms.names)[:3]) or "no host"
        yield f"it is not for {host}, as browsers read it: it names {named}"
    if now < terms.begins:
        yield f"it holds only from {_day(terms.begins)}: is the clock right?"
    elif now >= terms.ends:
        yield f"it expired on {_day(terms.ends)}: renew it"
    elif terms.ends - now < LEAST_DAYS * _DAY:
        yield f"it lasts until {_day(terms.ends)} only: renew it"


def _is_for(terms: Terms, host: str) -> bool:
    """RFC 6125 §6.4.3: a star stands for one label on the left. Addresses are named as they are."""
    try:
        return str(ipaddress.ip_address(host)) in terms.names
    except ValueError:
        name = host.lower().rstrip(".")
        return not terms.names.isdisjoint((name, f"*.{name.partition('.')[2]}"))


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
