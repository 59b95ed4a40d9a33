"""Sections about requests: the limits of a connection, the identity headers and the paths without sign-in."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator

from proxy.settings.addresses import check_origin
from proxy.settings.durations import Duration, PositiveDuration, Size
from proxy.settings.section import Section, setting

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
LEAST_HEAD: Final = 2048
OWN_PREFIX: Final = "/_muster/"


def check_header_name(name: str) -> str:
    """A field name (RFC 9110 §5.1)."""
    if not _TOKEN.fullmatch(name):
        raise ValueError("this is not a header name")
    return name


def check_open_path(path: str) -> str:
    """An exact path, or a prefix that ends in `/*`; printable ASCII without `?`, `#`, dot segments or empty segments."""
    body = path.removesuffix("/*")
    if not path.startswith("/") or "*" in body:
        raise ValueError("write an exact path such as /health, or a prefix that ends in /* such as /static/*")
    if not re.fullmatch(r"[!-~]*", path) or re.search(r"[?#\\%;]", path):
        raise ValueError(
            "an open path is plain text: no space, %, ?, #, ; or backslash, nothing beyond ASCII"
        )
    if re.search(r"//|/\.\.?(/|\Z)", body):
        raise ValueError("an open path has no empty and no . or .. segment")
    if f"{path}/".startswith(OWN_PREFIX):
        raise ValueError("paths under /_muster/ are Muster's own")
    return path


def check_via_name(name: str) -> str:
    """A pseudonym (RFC 9110 §7.6.3)."""
    if not _TOKEN.fullmatch(name):
        raise ValueError("this is not a name for Via: write letters, digits and hyphens, or null")
    return name


def check_page_origin(origin: str) -> str:
    """`*`, or a page's origin as browsers send it (RFC 6454 §6.2)."""
    return origin if origin == "*" else check_origin(origin)


HeaderName = Annotated[str, AfterValidator(check_header_name)]
OpenPath = Annotated[str, AfterValidator(check_open_path)]
ViaName = Annotated[str, AfterValidator(check_via_name)]
PageOrigin = Annotated[str, AfterValidator(check_page_origin)]


def check_head_size(size: int) -> int:
    """Enough for a browser's own head and the cookies of a sign-in."""
    if size < LEAST_HEAD:
        raise ValueError("no browser's request fits into that: write 2KiB or more")
    return size


HeadSize = Annotated[Size, AfterValidator(check_head_size)]


class Limits(Section):
    """What one client connection may cost."""

    header_timeout: PositiveDuration = setting("10s", "How long a client may take to send a request's head.")
    body_timeout: PositiveDuration = setting("25s", "How long a client's body may make no progress.")
    idle_timeout: PositiveDuration = setting(
        "75s", "How long a kept-alive connection may wait for its next request."
    )
    write_timeout: PositiveDuration = setting("25s", "How long a client may read nothing of an answer.")
    min_rate: Size | None = setting(
        "128B",
        "Bytes a second, over `body_timeout` and `write_timeout`, below which a body or a reader makes no progress; "
        "null = a single byte is progress.",
    )
    drain_timeout: PositiveDuration = setting("20s", "How long running requests may take to end at shutdown.")
    drain_idle: Duration = setting(
        "5s",
        "How long at SIGTERM a kept connection without a request stays open for one more, which may be on its way: it is "
        "answered with `Connection: close`. At most `drain_timeout`; 0s = closed at once.",
    )
    header_bytes: HeadSize = setting("32KiB", "The largest request head; a larger one is answered with 431.")
    header_count: int = setting(
        100, "The most header fields a request may have; more are answered with 431.", ge=8, le=1000
    )
    body_bytes: Size | None = setting(
        None, "The largest request body; null = any size (bodies are streamed)."
    )
    connections: int = setting(10000, "The most client connections at once.", ge=1, le=1_000_000)
    connections_per_client: int | None = setting(
        None,
        "The most connections of one client address (IPv6: of one /64) at once; further ones are closed. `trusted_proxies` are "
        "not counted. null = no such limit: people behind one NAT share an address.",
        ge=1,
        le=1_000_000,
    )


class WebSockets(Section):
    """WebSockets through to the app; each belongs to the session it was opened in and ends with it."""

    enabled: bool = setting(True, "False = an upgrade is forwarded without the upgrade.")
    origins: tuple[PageOrigin, ...] = setting(
        (),
        "Origins of pages that may open one, besides `public_url`'s own, such as `https://tools.example.com`; "
        '"*" = any.',
    )
    idle_timeout: PositiveDuration = setting(
        "10m", "How long a WebSocket may carry nothing in either direction."
    )


class Headers(Section):
    """How the app is told who somebody is. Clients can never send these themselves, in any spelling."""

    user: HeaderName = setting(
        "X-Forwarded-User", "Carries the app's own login of the person, as it is: never encoded, never cut."
    )
    user_encoding: Literal["ascii", "utf-8"] = setting(
        "ascii",
        "How the app reads `user`. `ascii`: people whose login has other letters are refused with a page; `utf-8`: such a "
        "login is sent as UTF-8, which the app must read as UTF-8. Controls and white space at either end are never sent.",
    )
    email: HeaderName = setting("X-Forwarded-Email", "Carries the person's e-mail address.")
    groups: HeaderName = setting(
        "X-Forwarded-Groups",
        "Carries the person's groups, comma-joined; absent when the IdP did not state them.",
    )
    username: HeaderName = setting(
        "X-Forwarded-Preferred-Username", "Carries the user name that the IdP states; a label, not a key."
    )
    groups_allowed: tuple[str, ...] = setting(
        (), 'IdP groups that are sent besides the linked ones; "*" = all.'
    )
    groups_max_bytes: Size = setting(
        "8KiB", "The longest groups header; a person with more sees an error page, never a shortened list."
    )
    user_claim: Literal["sub", "email", "username"] | None = setting(
        None,
        "What is sent as the user: the subject, the verified address, or the user name. Required without `app`, "
        "refused with it: there the app's own login is sent. With several IdPs it is prefixed with the IdP's id.",
    )
    pass_authorization: bool = setting(False, "Pass the client's Authorization header on to the app.")
    via: ViaName | None = setting(
        "muster",
        "Muster's name in the `Via` header of requests to the app, by which loops are noticed; null = no `Via`, for an app "
        "whose server does not compress what a proxy asks for (nginx without `gzip_proxied`).",
    )
