"""A scripted browser: it navigates, submits forms, follows redirects by hand and fetches as a page's script does.

`*.localhost` goes to 127.0.0.1, as in Chromium. One `Browser` is one profile: its own cookie jar, no cache, no JavaScript.
"""

import asyncio
import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.fakes.cookie_jar import CookieJar, site_of

ALL_SAME_SITES = frozenset({"strict", "lax", "none"})
MOST_REDIRECTS = 20
REDIRECTS = frozenset({301, 302, 303, 307, 308})
AGENT = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Accept-Language": "en-GB,en;q=0.9",
}
PAGE_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


class LoopbackNames(AbstractResolver):
    """Resolves `*.localhost` to 127.0.0.1 and any other name not at all: tests stay on this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host != "localhost" and not host.endswith(".localhost"):
            raise OSError(None, f"a test must not leave this machine: {host}")
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True, kw_only=True)
class Form:
    """A form as it stands on a page: `fields` holds the values that it would send as it is, `buttons` the submit buttons'."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(action=given.get("action", ""), method=given.get("method", "get").upper()))
        elif self.forms and given.get("name"):
            self._control(self.forms[-1], tag, given)

    @staticmethod
    def _control(form: Form, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text").lower()
        if kind == "submit":
            form.buttons.append((given["name"], given.get("value", "")))
        elif tag in {"input", "textarea", "select"} and (
            kind not in {"checkbox", "radio"} or "checked" in given
        ):
            form.fields[given["name"]] = given.get("value", "on" if kind == "checkbox" else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back in the end; `hops` are the addresses asked on the way, this answer's own last."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    url: URL
    hops: tuple[URL, ...] = ()

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def location(self) -> URL:
        """Where a redirect points, made absolute."""
        return self.url.join(URL(self.headers["Location"], encoded=True))

    def forms(self) -> list[Form]:
        parser = _Forms()
        parser.feed(self.text)
        return parser.forms

    def form(self, matches: Callable[[Form], bool] = lambda _: True) -> Form:
        """The first form that matches."""
        found = next((form for form in self.forms() if matches(form)), None)
        assert found is not None, f"no such form at {self.url} ({self.status}):\n{self.text[:1500]}"
        return found


class Browser:
    """One browser profile. `answer` is the page that it shows; `trust` what it verifies servers with."""

    def __init__(self, trust: ssl.SSLContext | bool = True) -> None:
        self._trust = trust
        self.jar = CookieJar()
        self.answer: Answer | None = None
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=LoopbackNames(), limit=0, use_dns_cache=False, ssl=self._trust
        )
        self._client = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            timeout=aiohttp.ClientTimeout(total=60),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    @property
    def page(self) -> Answer:
        """The page shown; asking before any navigation is the test's mistake."""
        assert self.answer is not None, "the browser has not been anywhere yet"
        return self.answer

    # --- navigating ---------------------------------------------------------------------------------------------

    async def go(
        self,
        url: str | URL,
        *,
        follow: bool = True,
        headers: Mapping[str, str] | None = None,
        link: bool = False,
    ) -> Answer:
        """Type an address, or (`link=True`) follow a link on the page shown."""
        initiator = self.page.url if link else None
        target = (initiator or URL()).join(URL(url)) if initiator else URL(url)
        return await self._navigate("GET", target, None, initiator, follow=follow, headers=headers)

    async def submit(
        self, form: Form, values: Mapping[str, str] | None = None, *, follow: bool = True
    ) -> Answer:
        """Submit a form of the page shown, with these values put in."""
        page = self.page.url
        target = page.join(URL(form.action)) if form.action else page
        fields = {**form.fields, **(values or {})}
        if form.method == "GET":
            return await self._navigate("GET", target.with_query(fields), None, page, follow=follow)
        return await self._navigate("POST", target, fields, page, follow=follow)

    async def follow(self) -> Answer:
        """Follow the redirect shown (after `follow=False`) to its end."""
        return await self._navigate("GET", self.page.location, None, self.page.url, follow=True)

    async def _navigate(
        self,
        method: str,
        url: URL,
        fields: Mapping[str, str] | None,
        initiator: URL | None,
        *,
        follow: bool,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        hops: list[URL] = []
        while True:
            hops.append(url)
            sent = {**_navigation_headers(method, url, initiator), **(headers or {})}
            answer = await self._send(method, url, fields, sent, _same_sites(method, url, initiator))
            self.answer = _with_hops(answer, tuple(hops))
            if not follow or answer.status not in REDIRECTS or "Location" not in answer.headers:
                return self.answer
            assert len(hops) <= MOST_REDIRECTS, f"too many redirects: {[str(hop) for hop in hops]}"
            if answer.status in {301, 302, 303} and method != "HEAD":
                method, fields = "GET", None
            url = answer.location.with_fragment(None)

    # --- fetching -----------------------------------------------------------------------------------------------

    async def fetch(
        self,
        url: str | URL,
        *,
        method: str = "GET",
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """What a script of the target's own origin gets; redirects are shown, not followed."""
        target = URL(url)
        sent = {
            **AGENT,
            "Accept": "*/*",
            "Sec-Fetch-Mode": "cors",
            "Sec-Fetch-Dest": "empty",
            "Sec-Fetch-Site": "same-origin",
            **({"Origin": str(target.origin())} if method not in {"GET", "HEAD"} else {}),
            **(headers or {}),
        }
        return await self._send(method, target, data, sent, ALL_SAME_SITES)

    async def fetch_many(self, url: str | URL, count: int) -> list[Answer]:
        """`count` fetches at once."""
        return list(await asyncio.gather(*(self.fetch(url) for _ in range(count))))

    async def _send(
        self,
        method: str,
        url: URL,
        body: Mapping[str, str] | bytes | None,
        headers: Mapping[str, str],
        same_sites: frozenset[str],
    ) -> Answer:
        assert self._client is not None, "use the browser as `async with Browser()`"
        sent: CIMultiDict[str] = CIMultiDict(headers)
        if "Cookie" not in sent and (cookies := self.jar.header(url, same_sites=same_sites)):
            sent["Cookie"] = cookies
        async with self._client.request(
            method,
            url,
            data=body,
            headers=sent,
            allow_redirects=False,
            skip_auto_headers=["Content-Type"] if body is None else None,
        ) as answer:
            self.jar.store(url, answer.headers.getall("Set-Cookie", []))
            return Answer(status=answer.status, headers=answer.headers, body=await answer.read(), url=url)


def _with_hops(answer: Answer, hops: tuple[URL, ...]) -> Answer:
    return Answer(status=answer.status, headers=answer.headers, body=answer.body, url=answer.url, hops=hops)


def _fetch_site(url: URL, initiator: URL | None) -> str:
    if initiator is None:
        return "none"
    if initiator.origin() == url.origin():
        return "same-origin"
    return "same-site" if _is_same_site(url, initiator) else "cross-site"


def _is_same_site(url: URL, initiator: URL) -> bool:
    return url.scheme == initiator.scheme and site_of(url.host or "") == site_of(initiator.host or "")


def _same_sites(method: str, url: URL, initiator: URL | None) -> frozenset[str]:
    """Which cookies go with a top-level navigation (RFC 6265bis §5.2): another site's link carries Lax, its POST only None."""
    if initiator is None or _is_same_site(url, initiator):
        return ALL_SAME_SITES
    return frozenset({"lax", "none"}) if method in {"GET", "HEAD"} else frozenset({"none"})


def _navigation_headers(method: str, url: URL, initiator: URL | None) -> dict[str, str]:
    return {
        **AGENT,
        "Accept": PAGE_ACCEPT,
        "Upgrade-Insecure-Requests": "1",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-User": "?1",
        "Sec-Fetch-Site": _fetch_site(url, initiator),
        **({"Origin": str(initiator.origin())} if method == "POST" and initiator else {}),
        **({"Referer": f"{initiator.origin()}/"} if initiator else {}),
    }
