"""A scripted browser: cookies by host, redirects by hand, forms; resolves `*.localhost` to loopback, as browsers do.

aiohttp's own jar shares cookies between ports and keeps `Secure` ones off loopback http; Chromium does neither wrong,
and this jar follows Chromium where the story depends on it.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import CookieError, Morsel, SimpleCookie
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

MAX_REDIRECTS = 12
NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-User": "?1",
}
SCRIPT = {"Accept": "application/json", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


class LoopbackResolver(AbstractResolver):
    """Every name is 127.0.0.1: nothing here may leave the machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of a page: where it goes, how, and the values it would send untouched."""

    action: str
    method: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer after redirects. `trail` holds every address on the way, the last one included."""

    url: str
    status: int
    headers: Mapping[str, str]
    text: str
    trail: tuple[str, ...] = ()
    forms: tuple[Form, ...] = field(default=(), repr=False)


class FormReader(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.forms: list[Form] = []
        self._fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._fields = {}
            action = urljoin(self.base, given.get("action", "") or self.base)
            method = given.get("method", "get").lower()
            self.forms.append(Form(action=action, method=method, fields=self._fields))
        elif tag == "input" and "name" in given:
            self._fields[given["name"]] = given.get("value", "")


class Jar:
    """Cookies by host and name; loopback counts as secure.

    A `__Host-` cookie is kept only as its prefix demands (RFC 6265bis §5.7).
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Morsel[str]] = {}

    def keep(self, host: str, header: str) -> None:
        """Take one Set-Cookie header in; a malformed one is dropped."""
        try:
            parsed = SimpleCookie(header)
        except CookieError:
            return
        for name, morsel in parsed.items():
            is_ended = morsel["max-age"] == "0" or morsel["expires"].startswith("Thu, 01 Jan 1970")
            if name.startswith("__Host-") and not _is_host_cookie(morsel):
                continue
            self._kept.pop((host, name), None)
            if not is_ended:
                self._kept[host, name] = morsel

    def header(self, host: str, path: str) -> str:
        """The Cookie header's value for a request; empty when there is none."""
        return "; ".join(
            f"{name}={morsel.value}"
            for (own, name), morsel in self._kept.items()
            if own == host and _covers(morsel["path"] or "/", path)
        )

    def value(self, host: str, name: str) -> str | None:
        morsel = self._kept.get((host, name))
        return None if morsel is None else morsel.value

    def names(self, host: str) -> set[str]:
        return {name for own, name in self._kept if own == host}

    def put(self, host: str, name: str, value: str) -> None:
        """A cookie by hand, for a test that forges one."""
        self.keep(host, f"{name}={value}; Path=/; Secure")


def _is_host_cookie(morsel: Morsel[str]) -> bool:
    return bool(morsel["secure"]) and morsel["path"] == "/" and not morsel["domain"]


def _covers(cookie_path: str, path: str) -> bool:
    """RFC 6265 §5.1.4."""
    return path == cookie_path or path.startswith(cookie_path.rstrip("/") + "/")


class Browser:
    """One person's browser. Use as an async context."""

    def __init__(self, *, timeout: float = 30.0) -> None:
        self.jar = Jar()
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=LoopbackResolver(), use_dns_cache=False, limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=timeout),
            skip_auto_headers=["Accept"],
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def send(
        self, method: str, url: str, *, data: Mapping[str, str] | None = None, headers: Mapping[str, str]
    ) -> Page:
        """One request, no redirect followed; cookies go out and come in."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        cookie = self.jar.header(host, parts.path or "/")
        sent = {**headers, **({"Cookie": cookie} if cookie else {})}
        address = URL(url, encoded=True)
        async with self._http.request(
            method, address, data=data, headers=sent, allow_redirects=False
        ) as answer:
            for one in answer.headers.getall("Set-Cookie", []):
                self.jar.keep(host, one)
            text = await answer.text(errors="replace")
            return Page(url=url, status=answer.status, headers=answer.headers, text=text, trail=(url,))

    async def open(self, url: str) -> Page:
        """Navigate there, as if the address were typed; redirects are followed."""
        return await self._follow(
            await self.send("GET", url, headers={**NAVIGATION, "Sec-Fetch-Site": "none"})
        )

    async def fetch(self, url: str, method: str = "GET", **more: Any) -> Page:
        """A script's request: nothing is followed."""
        return await self.send(method, url, headers={**SCRIPT, "Sec-Fetch-Site": "same-origin"}, **more)

    async def submit(self, page: Page, form: Form, **fields: str) -> Page:
        """Send a form of that page with these fields over its own."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
        headers = {**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Origin": origin}
        sent = await self.send(
            form.method.upper(), form.action, data={**form.fields, **fields}, headers=headers
        )
        return await self._follow(sent)

    async def sign_in(self, url: str, login: str) -> Page:
        """Open the address and, where the demo IdP asks who is there, say so."""
        page = await self.open(url)
        form = next((form for form in page.forms if urlsplit(form.action).path == "/authorize"), None)
        return page if form is None else await self.submit(page, form, login=login)

    async def _follow(self, page: Page) -> Page:
        trail = [page.url]
        while page.status in {301, 302, 303, 307, 308} and "Location" in page.headers:
            if len(trail) > MAX_REDIRECTS:
                raise RuntimeError("redirected in circles: " + " → ".join(trail))
            target = urljoin(page.url, page.headers["Location"])
            page = await self.send("GET", target, headers={**NAVIGATION, "Sec-Fetch-Site": "cross-site"})
            trail.append(target)
        return Page(
            url=page.url,
            status=page.status,
            headers=page.headers,
            text=page.text,
            trail=tuple(trail),
            forms=_forms_of(page),
        )


def _forms_of(page: Page) -> tuple[Form, ...]:
    if "html" not in page.headers.get("Content-Type", ""):
        return ()
    reader = FormReader(page.url)
    reader.feed(page.text)
    return tuple(reader.forms)
