"""canaille behind a relay, as the tests of the story know an IdP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.idps import CLIENT_ID, PEOPLE
from tests.e2e.relay import Relay
from tests.fakes.browser import Answer, Browser, Form
from tests.partners.canaille import PASSWORD, Canaille, TokenCall


class Second:
    """The second OpenID Provider."""

    says_why = False

    def __init__(self, relay: Relay, folder: Path) -> None:
        self.relay = relay
        self.secret = "a-secret-of-the-test"
        self.server = Canaille(folder)

    @property
    def issuer(self) -> str:
        """With the slash: it calls itself so."""
        return f"http://{self.relay.address}/"

    def settings(self) -> dict[str, Any]:
        return {"kind": "generic", "scopes": ["openid", "profile", "email", "groups"], "trust_email": True}

    async def register(self, redirect_uri: str, signed_out: str) -> None:
        people = {
            one.login: {"name": one.name, "email": one.email, "groups": list(one.groups)}
            for one in PEOPLE[:2]
        }
        await self.server.put(people, self._client(redirect_uris=[redirect_uri]))

    async def set_groups(self, login: str, groups: list[str] | None) -> None:
        assert groups is not None, "it always states groups"
        await self.server.put({login: {"groups": groups}})

    async def suspend(self, login: str) -> None:
        await self.server.put({login: {"locked": True}})

    async def resume(self, login: str) -> None:
        await self.server.put({login: {"locked": False}})

    async def age(self, login: str, seconds: int) -> None:
        raise AssertionError("nobody's sign-in is made older there")

    async def change_secret(self, secret: str) -> None:
        await self.server.put(client=self._client(client_secret=secret))

    async def stop(self) -> None:
        self.server.stop()

    async def start(self) -> None:
        self.server.start()
        self.relay.target = self.server.address

    async def calls(self) -> tuple[TokenCall, ...]:
        return await self.server.put()

    async def refreshes(self) -> int:
        return sum(one.grant_type == "refresh_token" and one.outcome == "ok" for one in await self.calls())

    async def refused(self) -> int:
        return sum(one.outcome != "ok" for one in await self.calls())

    def asks(self, page: Answer) -> bool:
        return str(page.url.origin()) == self.issuer.rstrip("/")

    async def answer(self, browser: Browser, login: str, *, follow: bool = True) -> Answer:
        """Name and password stand on two pages."""
        await browser.submit(_form(browser), {"login": login})
        return await browser.submit(_form(browser), {"password": PASSWORD}, follow=follow)

    async def cancel(self, browser: Browser) -> Answer:
        raise AssertionError("nobody can cancel there")

    def _client(self, **changes: Any) -> dict[str, Any]:
        return {"client_id": CLIENT_ID, "client_secret": self.secret, **changes}


def _form(browser: Browser) -> Form:
    return browser.page.form(lambda form: form.method == "POST")


@asynccontextmanager
async def second_idp(folder: Path) -> AsyncIterator[Second]:
    """canaille, running."""
    async with Relay() as relay:
        idp = Second(relay, folder)
        await idp.start()
        try:
            yield idp
        finally:
            await idp.stop()
