"""A browser's cookie jar by RFC 6265bis, as far as it matters to a sign-in: prefixes, Secure, Domain, Path, SameSite, expiry.

Loopback hosts (127.0.0.0/8, `localhost`, `*.localhost`) count as secure although they speak plain http; ports do not matter.
"""

import ipaddress
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from yarl import URL


def is_loopback(host: str) -> bool:
    """Whether browsers treat the host as potentially trustworthy without TLS (W3C Secure Contexts §3.1)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def site_of(host: str) -> str:
    """The registrable domain, good enough for test hosts: an address is its own, else the last two labels."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ".".join(host.split(".")[-2:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One kept cookie. `is_host_only`: no Domain attribute. `expires_at` in epoch seconds; None lasts as long as the jar."""

    name: str
    value: str
    host: str
    path: str
    is_host_only: bool
    is_secure: bool
    is_http_only: bool
    same_site: str
    expires_at: float | None

    def matches(self, url: URL) -> bool:
        """Whether host, path and scheme let it go with a request for `url`."""
        host = url.host or ""
        host_fits = host == self.host or (not self.is_host_only and host.endswith(f".{self.host}"))
        path_fits = url.path == self.path or url.path.startswith(self.path.rstrip("/") + "/")
        return host_fits and path_fits and (not self.is_secure or url.scheme == "https" or is_loopback(host))


def parse_set_cookie(url: URL, field: str, now: float) -> Cookie | None:
    """The cookie that a browser at `url` keeps for one Set-Cookie field; None for one that it refuses."""
    pair, _, rest = field.partition(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    attributes = dict(_attribute(text) for text in rest.split(";") if text.strip())
    domain = attributes.get("domain", "").lstrip(".").lower()
    host = url.host or ""
    is_secure = "secure" in attributes
    if not equals or not name or (is_secure and url.scheme != "https" and not is_loopback(host)):
        return None
    if domain and domain != host and not host.endswith(f".{domain}"):
        return None
    cookie = Cookie(
        name=name,
        value=value,
        host=domain or host,
        path=_path(attributes.get("path", ""), url),
        is_host_only=not domain,
        is_secure=is_secure,
        is_http_only="httponly" in attributes,
        same_site=attributes.get("samesite", "lax").lower(),
        expires_at=_expiry(attributes, now),
    )
    return cookie if _prefix_holds(cookie) else None


def _attribute(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip()


def _path(attribute: str, url: URL) -> str:
    if attribute.startswith("/"):
        return attribute
    return url.path.rpartition("/")[0] or "/"


def _expiry(attributes: dict[str, str], now: float) -> float | None:
    if "max-age" in attributes:
        return now + int(attributes["max-age"])
    if "expires" in attributes:
        return parsedate_to_datetime(attributes["expires"]).timestamp()
    return None


def _prefix_holds(cookie: Cookie) -> bool:
    """RFC 6265bis §4.1.3: `__Host-` is bound to one host and the root path, both prefixes to Secure."""
    name = cookie.name.lower()
    if name.startswith("__host-"):
        return cookie.is_secure and cookie.is_host_only and cookie.path == "/"
    return cookie.is_secure or not name.startswith("__secure-")


class CookieJar:
    """What a browser keeps; the newest of the same name, host and path wins."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Cookie] = {}

    def store(self, url: URL, fields: list[str]) -> None:
        """Keep (or, when expired, forget) what an answer from `url` set."""
        now = time.time()
        for field in fields:
            if (cookie := parse_set_cookie(url, field, now)) is not None:
                self.put(cookie)

    def put(self, cookie: Cookie) -> None:
        key = (cookie.name, cookie.host, cookie.path)
        self._cookies.pop(key, None)
        if cookie.expires_at is None or cookie.expires_at > time.time():
            self._cookies[key] = cookie

    def header(self, url: URL, *, same_sites: frozenset[str]) -> str:
        """The Cookie field for a request, longer paths first; empty when nothing goes with it."""
        now = time.time()
        found = [
            cookie
            for cookie in self._cookies.values()
            if cookie.matches(url) and cookie.same_site in same_sites and (cookie.expires_at or now + 1) > now
        ]
        return "; ".join(
            f"{cookie.name}={cookie.value}" for cookie in sorted(found, key=lambda each: -len(each.path))
        )

    def of_host(self, host: str) -> tuple[Cookie, ...]:
        return tuple(cookie for cookie in self._cookies.values() if cookie.host == host)

    def clear(self, host: str) -> None:
        """Forget everything of one host."""
        self._cookies = {key: cookie for key, cookie in self._cookies.items() if cookie.host != host}
