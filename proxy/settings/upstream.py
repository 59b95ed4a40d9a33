"""Sections about the app: where it listens, how it is recognised, and how long it may take."""

import re
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from proxy.settings.addresses import check_origin
from proxy.settings.durations import PositiveDuration
from proxy.settings.files import FileToRead
from proxy.settings.section import Section, setting, written_as
from proxy.settings.traffic import check_open_path

UNIX: Final = "unix://"
_LONGEST_SOCKET_PATH: Final = 107
"""What sun_path holds on Linux, in bytes, without the final NUL (unix(7))."""

_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.IGNORECASE
)
_AUTHORITY: Final = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def check_upstream_url(text: str) -> str:
    """An origin on http or https, or `unix://` and the absolute path of a socket."""
    if not text.startswith(("http://", "https://", UNIX)):
        raise ValueError("write http://host:port, https://host:port or unix:///run/app.sock")
    if not text.startswith(UNIX):
        return _check_name(check_origin(text))
    path = text.removeprefix(UNIX)
    if not path.startswith("/") or path.endswith("/") or "\0" in path:
        raise ValueError("write unix:// and an absolute path, such as unix:///run/app.sock")
    if len(path.encode()) > _LONGEST_SOCKET_PATH:
        raise ValueError(f"the path of a Unix socket has at most {_LONGEST_SOCKET_PATH} bytes")
    return text


def _check_name(origin: str) -> str:
    """A host that a name service can be asked for: labels of 1 to 63 bytes (RFC 1035 §2.3.4)."""
    try:
        (urlsplit(origin).hostname or "").encode("idna")
    except UnicodeError:
        raise ValueError("no host has this name: a part of it is empty, or longer than 63 bytes") from None
    return origin


def check_prefix(prefix: str) -> str:
    """A path of whole segments, without the final slash."""
    path = prefix.removesuffix("/*").rstrip("/")
    if not path:
        raise ValueError("this is every path: that is what `upstream` is for; write a prefix such as /api")
    if "*" in path or not path.startswith("/"):
        raise ValueError("write a plain prefix such as /api: it covers /api and everything under /api/")
    return check_open_path(path)


def check_server_name(name: str) -> str:
    """A DNS name in ASCII."""
    if not _NAME.fullmatch(name):
        raise ValueError("write a host name in ASCII, such as app.internal")
    return name


def check_authority(text: str) -> str:
    """A Host field's value (RFC 9110 §7.2)."""
    if not _AUTHORITY.fullmatch(text):
        raise ValueError(
            "write a host name, with a port if need be, such as wiki.internal or wiki.internal:8080"
        )
    return text


UpstreamUrl = Annotated[str, AfterValidator(check_upstream_url), written_as("URL")]
Prefix = Annotated[str, AfterValidator(check_prefix)]
ServerName = Annotated[str, AfterValidator(check_server_name)]
Authority = Annotated[str, AfterValidator(check_authority)]


class UpstreamTls(Section):
    """TLS to an app on https. Chain and name of its certificate are always verified; there is no setting that leaves it out."""

    ca_file: FileToRead | None = setting(
        None,
        "A PEM file with the authorities that may have issued the app's certificate, and no others; null = the system's.",
    )
    cert_file: FileToRead | None = setting(
        None, "The certificate that is shown to the app, PEM, followed by those that lead to its issuer."
    )
    key_file: FileToRead | None = setting(None, "Its key, PEM without a passphrase.")
    server_name: ServerName | None = setting(
        None,
        "The name that is asked for (SNI) and that the certificate must bear; null = the host of the URL.",
    )


class Upstream(Section):
    """The app that Muster stands in front of."""

    url: Annotated[
        UpstreamUrl,
        Field(
            description="Where the app listens: http://host:port, https://host:port or unix:///path.",
            examples=["http://127.0.0.1:3000"],
        ),
    ]
    host: Literal["keep", "upstream"] = setting(
        "keep",
        "Which Host header the app sees: `keep` passes the browser's on, `upstream` sends that of `url` "
        "(`localhost` for a Unix socket).",
    )
    host_header: Authority | None = setting(
        None, "The Host header that the app sees instead, always; null = as `host` says."
    )
    tls: UpstreamTls = setting({}, "How an app on https is recognised, and Muster by it.")
    connections: int = setting(256, "How many idle connections to the app are kept.", ge=1, le=65536)
    connect_timeout: PositiveDuration = setting(
        "5s",
        "How long connecting to the app may take, TLS and further tries included: a refused connect is tried again up to four "
        "times within 0.75 s for a request that is safe and has no body.",
    )
    down_for: PositiveDuration = setting(
        "2s",
        "How long after a failed connect nobody else waits for one: they are answered at once, with Retry-After. Then one "
        "request tries.",
    )
    first_byte_timeout: PositiveDuration = setting("60s", "How long the app may take to begin its answer.")
    idle_timeout: PositiveDuration = setting(
        "60s", "How long a body may make no progress, in either direction."
    )


class PathUpstream(Upstream):
    """Another upstream for the paths under a prefix. It gets the same identity headers as `upstream`: it is part of the app."""

    prefix: Annotated[
        Prefix,
        Field(
            description="The paths that go there, by whole segments: `/api` covers `/api` and everything under `/api/`, spelled "
            "just so. The longest prefix wins; the path is passed on as it came.",
            examples=["/api"],
        ),
    ]
