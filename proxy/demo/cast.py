"""What the steps of the story share: people's browsers, waiting with a deadline, and the sentence for what is not so."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from proxy.demo.app_state import Account
from proxy.demo.browser import Browser, Page
from proxy.demo.stage import Stage

POLL: Final = 0.1
T = TypeVar("T")


class NotSo(Exception):
    """A step of the story did not happen as told; the text says what was seen instead."""


def expect(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise NotSo(otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the app told a signed-in person about their request (`/headers`)."""

    login: str
    account: int
    role: str
    groups: frozenset[str]
    headers: dict[str, str]

    @property
    def told_groups(self) -> frozenset[str]:
        """The groups in the header that Muster sets."""
        value = self.headers.get("X-Forwarded-Groups", "")
        return frozenset(value.split(",")) if value else frozenset()


@dataclass(slots=True, kw_only=True)
class Cast:
    """The stage and whoever is on it. `browsers` by a name of the story's choosing.

    `slack`: seconds beyond one refresh interval before something that should follow it has not followed.
    """

    stage: Stage
    stack: AsyncExitStack
    browsers: dict[str, Browser] = field(default_factory=dict)
    slack: float = 15.0

    async def browser(self, name: str) -> Browser:
        """That browser; a new one opens at its first mention."""
        if name not in self.browsers:
            self.browsers[name] = await self.stack.enter_async_context(Browser())
        return self.browsers[name]

    async def sign_in(self, login: str, name: str | None = None) -> Page:
        """Go to the app and sign in where asked; a "being set up" page is waited out as a browser would."""
        browser = await self.browser(name or login)
        page = await browser.sign_in(self.stage.url("/headers"), login)
        for _ in range(10):
            if page.status != 503 or "Retry-After" not in page.headers:
                break
            await asyncio.sleep(float(page.headers["Retry-After"]))
            page = await browser.open(self.stage.url("/headers"))
        return page

    async def look(self, name: str) -> Page:
        """A script of that browser asks the app who it is."""
        return await (await self.browser(name)).fetch(self.stage.url("/headers"))

    async def see(self, name: str) -> Seen:
        """The same, read; it must be served."""
        return read(await self.look(name))

    def account(self, login: str) -> Account:
        """The app's account, straight from the app."""
        found = [one for one in self.stage.app.state.accounts.values() if one.login == login]
        expect(len(found) == 1, f"the app has {len(found)} accounts of the login {login}")
        return found[0]

    def groups_of(self, login: str) -> frozenset[str]:
        return frozenset(self.stage.app.state.group_names(self.account(login)))

    def refreshes(self, login: str) -> int:
        """How often the IdP granted a refresh to this person."""
        return self.stage.idp.state.refreshes[login]

    async def refreshed(self, name: str, login: str, times: int = 1) -> None:
        """Wait for further refreshes while the browser goes on working; it must be served all along."""
        wanted = self.refreshes(login) + times

        async def look() -> int:
            await self.see(name)
            return self.refreshes(login)

        await eventually(
            look,
            lambda count: count >= wanted,
            within=times * self.stage.every + self.slack,
            what="a refresh",
        )

    async def over_an_interval(self, name: str, times: float = 1.5) -> int:
        """Go on working for a while; how many requests were served. One that is not is not so."""
        deadline = asyncio.get_running_loop().time() + times * self.stage.every
        served = 0
        while asyncio.get_running_loop().time() < deadline:
            await self.see(name)
            served += 1
            await asyncio.sleep(POLL)
        return served


def read(page: Page) -> Seen:
    """What the app's page says; NotSo when the app did not answer."""
    expect(page.status == 200, f"{page.url} answered {page.status}: {_plain(page.text)}")
    told: dict[str, Any] = json.loads(page.text)
    account = told["account"]
    return Seen(
        login=account["login"],
        account=account["id"],
        role=account["role"],
        groups=frozenset(told["groups"]),
        headers=dict(told["headers"]),
    )


async def eventually(
    look: Callable[[], Awaitable[T]], is_so: Callable[[T], bool], *, within: float, what: str
) -> T:
    """The first sight that is so; NotSo after `within` seconds, with the last sight."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        seen = await look()
        if is_so(seen):
            return seen
        expect(asyncio.get_running_loop().time() < deadline, f"after {within:g} s still not {what}: {seen}")
        await asyncio.sleep(POLL)


def listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _plain(text: str) -> str:
    return " ".join(text.split())[:300]
