"""Where things listen and where they are reached: `host:port` and URLs, checked as far as they can be without a network."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

from proxy.settings.section import written_as

_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.IGNORECASE
)
_HOST_PORT: Final = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})")


def parse_network(value: object) -> str:
    """An address or a network in CIDR notation, in its one spelling. Raises ValueError with a sentence."""
    try:
        network = ipaddress.ip_network(value if isinstance(value, str) else "", strict=True)
    except ValueError:
        raise ValueError(
            "write an address or a network without host bits, such as 10.0.0.7 or 10.0.0.0/8"
        ) from None
    return str(network)


Network = Annotated[str, AfterValidator(parse_network)]


def everybody(networks: Sequence[str]) -> tuple[int, ...]:
    """The places of those by which a list holds every address of a version, be it alone or by halves; empty: it does not."""
    parsed = [ipaddress.ip_network(network) for network in networks]
    last = {one.version: index for index, one in enumerate(parsed)}
    whole = {version for version in last if _holds_all([one for one in parsed if one.version == version])}
    alone = {index for index, one in enumerate(parsed) if one.prefixlen == 0}
    by_halves = {last[version] for version in whole} if not alone else set()
    return tuple(sorted(alone | by_halves))


def _holds_all(networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return any(one.prefixlen == 0 for one in ipaddress.collapse_addresses(networks))  # type: ignore[type-var]  # of one version


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A TCP address to listen on. `host` is a name or an IP address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(value: object) -> Address:
    """From `host:port`; an IPv6 address stands in brackets. Port 0 lets the system choose.

    Raises ValueError with a sentence.
    """
    match = _HOST_PORT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write host:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080")
    host, port = match["six"] or match["host"], int(match["port"])
    if not _is_host(match["six"], match["host"]):
        raise ValueError(f"{host!r} is neither a host name nor an IP address")
    if port > 65535:
        raise ValueError("a port is at most 65535")
    return Address(host=host, port=port)


_UNIX: Final = "unix:"
_LONGEST_PATH: Final = 107
"""What sun_path holds on Linux, in bytes, without the final NUL (unix(7))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketFile:
    """A Unix socket to listen on, by its absolute path."""

    path: str

    def __str__(self) -> str:
        return f"{_UNIX}{self.path}"


def parse_door(value: object) -> Address | SocketFile:
    """From `host:port`, `unix:/path` or, as a URL has it, `unix:///path`. Raises ValueError with a sentence."""
    if not isinstance(value, str) or not value.startswith(_UNIX):
        return parse_address(value)
    path = value.removeprefix(_UNIX).removeprefix("//")
    if not path.startswith("/") or path.endswith("/") or "\0" in path:
        raise ValueError("write unix: and an absolute path, such as unix:/run/muster/muster.sock")
    if len(path.encode()) > _LONGEST_PATH:
        raise ValueError(f"the path of a Unix socket has at most {_LONGEST_PATH} bytes")
    return SocketFile(path=path)


def _is_host(six: str | None, host: str | None) -> bool:
    if six is not None:
        return _ip(six) is not None
    if host is None or not _HOST.fullmatch(host):
        return False
    return not re.fullmatch(r"[\d.]+", host) or _ip(host) is not None


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def parse_doors(value: object) -> tuple[Address | SocketFile, ...]:
    """One address or Unix socket, or a list of them; at least one."""
    values = value if isinstance(value, (list, tuple)) else [value]
    if not values:
        raise ValueError("name at least one address to listen on")
    return tuple(parse_door(item) for item in values)


def is_loopback(host: str) -> bool:
    """Whether a browser treats this host as the machine itself (Decision 1): `localhost`, `*.localhost`, 127.0.0.0/8, ::1."""
    name = host.lower().rstrip(".")
    ip = _ip(name)
    return name == "localhost" or name.endswith(".localhost") or (ip is not None and ip.is_loopback)


def split_url(text: str) -> SplitResult:
    """The parts of an absolute http or https URL. Raises ValueError with a sentence, also for credentials in the URL."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("this is not a URL: host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\\]", text):
        raise ValueError("write an absolute URL, such as https://app.example.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL here must not carry a user name or password")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("this URL must have neither a query (?) nor a fragment (#)")
    return parts


def check_origin(text: str) -> str:
    """The origin, without a trailing slash and in lower case; a URL with a path is refused."""
    parts = split_url(text)
    if parts.path not in ("", "/"):
        raise ValueError("this URL must not have a path")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def check_url(text: str) -> str:
    """An absolute URL exactly as written: an issuer is compared character by character (OpenID Connect Discovery §4.3)."""
    split_url(text)
    return text


def check_endpoint(text: str) -> str:
    """An absolute URL without its trailing slash, ready to have a path added."""
    return check_url(text).rstrip("/")


_DOOR_SCHEMA: Final = {"type": "string", "pattern": r":[0-9]{1,5}$|^unix:/"}

Listen = Annotated[
    tuple[Address | SocketFile, ...],
    PlainValidator(parse_doors),
    WithJsonSchema(
        {"anyOf": [_DOOR_SCHEMA, {"type": "array", "items": _DOOR_SCHEMA}], "x-kind": "host:port"}
    ),
]
OpsListen = Annotated[
    Address, PlainValidator(parse_address), written_as("host:port", pattern=r":[0-9]{1,5}$")
]
Origin = Annotated[str, AfterValidator(check_origin), written_as("URL")]
Issuer = Annotated[str, AfterValidator(check_url), written_as("URL")]
Endpoint = Annotated[str, AfterValidator(check_endpoint), written_as("URL")]
