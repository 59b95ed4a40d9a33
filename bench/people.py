"""Who signs in, and where: npm's certified oidc-provider, one person, and a scripted browser that goes the whole way."""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.targets import NotHere
from proxy.demo.browser import Browser, Page
from tests.partners.oidc_provider import OidcProvider, missing

LOGIN: Final = "alice"
_TRIES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A proxy as the IdP knows it."""

    issuer: str
    client_id: str
    secret: str


class Idp:
    """The running IdP."""

    def __init__(self, partner: OidcProvider) -> None:
        self._partner = partner

    def client(self, client_id: str, redirect_uri: str) -> Client:
        """Makes a proxy known, with a secret of its own."""
        secret = secrets.token_urlsafe(32)
        asyncio.run(
            self._partner.put_client(
                client_id, client_secret=secret, redirect_uris=[redirect_uri], grant_types=_GRANTS
            )
        )
        return Client(issuer=self._partner.issuer, client_id=client_id, secret=secret)


_GRANTS: Final = ["authorization_code", "refresh_token"]


@contextlib.contextmanager
def oidc_provider(directory: Path) -> Iterator[Idp]:
    """With the one person that everything is asked for; raises NotHere."""
    if lacking := missing():
        raise NotHere(lacking)
    with OidcProvider(directory / "idp") as partner:
        person = {"name": "Alice Archer", "email": "alice@example.com", "groups": ["engineers", "platform"]}
        asyncio.run(partner.put_person(LOGIN, email_verified=True, **person))
        yield Idp(partner)


async def signed_in(url: str) -> str:
    """The Cookie header of a browser that was sent to the IdP, signed in there, and got the app's answer at `url`."""
    async with Browser() as browser:
        page = await browser.open(url)
        if len(page.forms) == 1:
            page = await browser.submit(page, page.forms[0], login=LOGIN)
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


def _is_from_the_app(page: Page) -> bool:
    return page.status == 200 and len(page.text) == 1024
