"""An IdP, an app and Muster between them: what every test of the story stands on."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.apps import LINKED, App, Seen
from tests.e2e.idps import CLIENT_ID, Idp
from tests.e2e.program import HOST, STARTS, Config, Muster, choose_ports, is_port_taken
from tests.e2e.waiting import eventually
from tests.fakes.browser import Answer, Browser
from tests.fakes.processes import ChildDied

IDP_ID = "corp"
COOKIE = "__Host-muster"
INTERVAL = 2.0
"""Seconds between two questions about a session (`refresh.every`)."""

SOON = 20.0
"""A generous deadline for what takes one interval and a visit to the app, on a busy machine."""

APPLIED_WITHIN = 60.0
"""What is promised for a statement that a crash interrupted (semantics §9.2)."""


def session_value(browser: Browser) -> str:
    """The value of Muster's own cookie."""
    return next(cookie.value for cookie in browser.jar.of_host(HOST) if cookie.name == COOKIE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One running system; `muster` is its only part that is under test."""

    idp: Idp
    app: App
    muster: Muster

    @property
    def page(self) -> str:
        """The address of the app's page that shows who is signed in, through Muster."""
        return self.muster.url(self.app.page)

    async def sign_in(self, browser: Browser, login: str) -> Answer:
        """A navigation to the page, with the IdP's question answered if it asks."""
        page = await browser.go(self.page)
        return await self.idp.answer(browser, login) if self.idp.asks(page) else page

    async def look(self, browser: Browser) -> Answer:
        """What a script on the app's page gets: never a redirect."""
        return await browser.fetch(self.page)

    async def account(self, login: str) -> Seen | None:
        """The app's account of that login; there must not be two."""
        found = [account for account in await self.app.accounts() if account.login == login]
        assert len(found) <= 1, f"more than one account of {login}: {found}"
        return found[0] if found else None

    async def refreshed(self, browser: Browser, times: int = 1) -> None:
        """Returns once the IdP answered that many further refreshes; every request on the way is served."""
        before = await self.idp.refreshes()

        async def look() -> tuple[int, int]:
            answer = await self.look(browser)
            assert answer.status == 200, f"{answer.status}: {answer.text[:500]}"
            return answer.status, await self.idp.refreshes()

        await eventually(look, lambda seen: seen[1] >= before + times, within=SOON, what=f"{times} refreshes")

    async def becomes(self, browser: Browser, status: int) -> Answer:
        """Returns once a script on the page is answered with this status."""
        return await eventually(
            lambda: self.look(browser), lambda answer: answer.status == status, within=SOON, what=str(status)
        )

    async def logs(self, reason: str) -> None:
        """Returns once the reason stands in a line of the log or the audit; both are written in batches."""

        async def look() -> bool:
            return self.muster.has_logged(reason)

        await eventually(look, bool, within=5, what=f"{reason} in the log")

    async def recovers(self, browser: Browser) -> None:
        """Returns once the session is served again after a crash; it may have to wait, but is never signed out."""

        async def look() -> int:
            answer = await self.look(browser)
            assert answer.status != 401, answer.text
            return answer.status

        await eventually(look, lambda status: status == 200, within=APPLIED_WITHIN, what="served again")

    async def signed_out(self, browser: Browser, within: float = SOON) -> Answer:
        """The first answer to a session that ended."""
        return await eventually(
            lambda: self.look(browser), lambda answer: answer.status == 401, within=within, what="signed out"
        )


def configuration(idp: Idp, app: App, folder: Path, changes: Mapping[str, Any]) -> Config:
    """The tests' configuration with top-level sections replaced; secrets stand in files, as an operator's do."""
    write_secret(folder / "idp.secret", idp.secret)
    credentials = app.credentials()
    for name, value in credentials.items():
        write_secret(folder / f"app.{name}", value)
    return {
        "upstream": {"url": app.url},
        "idps": [idp_entry(idp)],
        "refresh": {"every": f"{INTERVAL:g}s", "at_least": "1s", "grace": "60s", "cool_off": "1s"},
        "joining": {"domains": ["example.com"]},
        "groups": {"links": [{"app": group, "idp": [name]} for name, group in LINKED.items()]},
        "app": {
            **app.settings(),
            "credentials": {name: {"file": f"app.{name}"} for name in credentials},
        },
        **changes,
    }


def write_secret(file: Path, secret: str) -> None:
    """For its owner alone, or Muster warns."""
    file.touch(mode=0o600)
    file.write_text(secret + "\n")


def idp_entry(idp: Idp, idp_id: str = IDP_ID, **changes: Any) -> dict[str, Any]:
    """One entry of `idps`; its secret stands in the file `idp.secret`."""
    return {
        "id": idp_id,
        "issuer": idp.issuer,
        "client_id": CLIENT_ID,
        "client_secret": {"file": "idp.secret"},
        **idp.settings(),
        **changes,
    }


@asynccontextmanager
async def running(idp: Idp, app: App, folder: Path, /, **changes: Any) -> AsyncIterator[Stack]:
    """Muster in front of the app. A keyword replaces a section of the configuration, `idp=` merges into the IdP's entry.

    A function as a section is called with the IdP."""
    muster = await _started(idp, app, folder, changes)
    try:
        yield Stack(idp=idp, app=app, muster=muster)
    finally:
        # In a thread: Muster ends what it has begun, through relays that live in this loop.
        await asyncio.to_thread(muster.child.stop)


async def _started(idp: Idp, app: App, folder: Path, changes: dict[str, Any]) -> Muster:
    entry = idp_entry(idp, **changes.pop("idp", {}))
    changes = {name: made(idp) if callable(made) else made for name, made in changes.items()}
    config = configuration(idp, app, folder, {"idps": [entry], **changes})
    for attempt in range(STARTS):
        muster = Muster(folder, choose_ports(), config)
        await idp.register(muster.url("/_muster/callback"), muster.url("/_muster/signed-out"))
        try:
            await muster.start()
        except ChildDied as failure:
            if attempt == STARTS - 1 or not is_port_taken(failure):
                raise
        else:
            return muster
    raise AssertionError("unreachable: the last attempt returns or raises")
