"""Who signs in, and where: npm's certified oidc-provider or the demonstration's IdP, one person, and a scripted browser."""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from bench.beside import beside
from bench.targets import NotHere
from proxy.demo.browser import Browser, Form, Page
from proxy.demo.configuration import CLIENT_ID
from proxy.demo.idp import DemoIdp
from tests.partners.oidc_provider import OidcProvider, missing

LOGIN: Final = "alice"
_TRIES: Final = 50
_GRANTS: Final = ["authorization_code", "refresh_token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A proxy as the IdP knows it."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)


class Idp(Protocol):
    """A running IdP that knows the person."""

    def client(self, client_id: str, redirect_uri: str) -> Client:
        """Makes a proxy known, with a secret of its own."""


class _Certified:
    def __init__(self, partner: OidcProvider) -> None:
        self._partner = partner

    def client(self, client_id: str, redirect_uri: str) -> Client:
        client = Client(issuer=self._partner.issuer, client_id=client_id, secret=secrets.token_urlsafe(32))
        known = {"client_secret": client.secret, "redirect_uris": [redirect_uri], "grant_types": _GRANTS}
        asyncio.run(self._partner.put_client(client_id, **known))
        return client


class _Demo:
    def __init__(self, client: Client) -> None:
        self._client = client

    def client(self, client_id: str, redirect_uri: str) -> Client:
        """It knows Muster alone, and any address on loopback."""
        assert client_id == self._client.client_id, "the demonstration's IdP has one client"
        return self._client


@contextlib.contextmanager
def oidc_provider(directory: Path) -> Iterator[Idp]:
    """For whoever is to be signed in; raises NotHere."""
    if lacking := missing():
        raise NotHere(lacking)
    with OidcProvider(directory / "idp") as partner:
        person = {"name": "Alice Archer", "email": "alice@example.com", "groups": ["engineers", "platform"]}
        asyncio.run(partner.put_person(LOGIN, email_verified=True, **person))
        yield _Certified(partner)


@contextlib.contextmanager
def demo_idp() -> Iterator[Idp]:
    """For Muster alone, in this process; nothing needs to be installed."""
    secret = secrets.token_urlsafe(16)
    idp = DemoIdp(client_id=CLIENT_ID, client_secret=secret)
    with beside() as run:
        issuer = run(idp.start())
        try:
            yield _Demo(Client(issuer=issuer, client_id=CLIENT_ID, secret=secret))
        finally:
            run(idp.stop())


async def signed_in(url: str) -> str:
    """The Cookie header of a browser that was sent to the IdP, signed in there, and got the app's answer at `url`."""
    async with Browser() as browser:
        page = await browser.open(url)
        if (form := _asks_who(page)) is not None:
            page = await browser.submit(page, form, login=LOGIN)
        for _ in range(_TRIES):
            if _is_from_the_app(page):
                break
            await asyncio.sleep(0.2)
            page = await browser.open(url)
        parts = urlsplit(url)
        cookie = browser.jar.header(parts.hostname or "", parts.path)
    if not _is_from_the_app(page) or not cookie:
        raise RuntimeError(f"not signed in: {page.status} at {page.url}, by way of {page.trail}")
    return cookie


def _asks_who(page: Page) -> Form | None:
    places = ("/authorize", "/interaction/")
    return next((form for form in page.forms if urlsplit(form.action).path.startswith(places)), None)


def _is_from_the_app(page: Page) -> bool:
    return page.status == 200 and len(page.text) == 1024
