"""One handle for the apps of the story, and the demonstration's; the real ones stand in `apps_*.py`."""

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.demo.app import DemoApp
from proxy.demo.app_state import Call
from tests.e2e.relay import Relay
from tests.fakes.browser import Answer

LINKED = {"engineers": "Developers", "designers": "Designers"}
"""IdP group → the app group that the tests' configuration links it to."""

HAND_MADE = "Book club"

OF_THE_CONNECTION = frozenset(
    {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An account as the app itself shows it. `groups` are names."""

    id: str
    login: str
    email: str
    is_active: bool
    groups: frozenset[str]


class App(Protocol):
    """What a test sees of an app and does in it by hand. Muster's calls of its admin API come through `relay`."""

    relay: Relay
    creation: bytes
    """How the call that creates an account begins."""
    joining: bytes
    """How the call that puts somebody into a group begins."""
    page: str
    """A page that shows who is signed in."""

    @property
    def url(self) -> str:
        """Where the pages are."""

    def settings(self) -> dict[str, Any]:
        """The section `app`, without credentials."""

    @property
    def token(self) -> str:
        """The secret that opens its admin API."""

    def credentials(self) -> dict[str, str]:
        """What the preset wants to know, by the names that it uses."""

    async def accounts(self) -> list[Seen]: ...

    async def join_by_hand(self, login: str, group: str) -> None: ...

    def shown(self, page: Answer) -> str | None:
        """The login that the page says is signed in."""

    async def creations(self) -> int:
        """Accounts that were made through the admin API so far."""

    async def joins(self, group: str) -> int:
        """How often the admin API was asked to put somebody into this group."""

    def identity(self, page: Answer) -> dict[str, list[str]]:
        """The identity headers that reached the app with the page's request, every one with all its values."""

    async def order(self) -> list[str]:
        """`create`, `join`, `leave`, `change`, `page`: each once, in the order in which the app itself saw the first of it."""

    async def pages(self) -> int:
        """Page requests that reached the app so far."""

    async def strangers(self) -> int:
        """Page requests that named somebody whom the app did not know."""


class Demo:
    """The demonstration's app, in this process."""

    page = "/headers"
    creation = b"POST /api/users"
    joining = b"PUT /api/groups/"

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.token = secrets.token_urlsafe(16)
        self.app = DemoApp(self.token)

    @property
    def url(self) -> str:
        return self.app.url

    def settings(self) -> dict[str, Any]:
        return {"preset": "demo", "url": f"http://{self.relay.address}", "protected": ["robot"]}

    def credentials(self) -> dict[str, str]:
        return {"token": self.token}

    async def accounts(self) -> list[Seen]:
        state = self.app.state
        return [
            Seen(
                id=str(account.id),
                login=account.login,
                email=account.email,
                is_active=account.is_active,
                groups=frozenset(state.group_names(account)),
            )
            for account in state.accounts.values()
        ]

    async def join_by_hand(self, login: str, group: str) -> None:
        state = self.app.state
        account = state.by_login(login)
        assert account is not None
        account.groups.add(self._group(group))

    def _group(self, name: str) -> str:
        return next(group for group, own in self.app.state.groups.items() if own == name)

    def shown(self, page: Answer) -> str | None:
        return str(page.json()["account"]["login"]) if page.status == 200 else None

    def identity(self, page: Answer) -> dict[str, list[str]]:
        return identity_headers(page.json()["headers"])

    async def order(self) -> list[str]:
        calls = [(call.at, _word(call)) for call in self.app.calls if call.status < 300]
        seen = sorted([*calls, *((view.at, "page") for view in self.app.views)])
        return list(dict.fromkeys(word for _, word in seen if word))

    async def creations(self) -> int:
        return sum(
            (call.method, call.path, call.status) == ("POST", "/api/users", 201) for call in self.app.calls
        )

    async def joins(self, group: str) -> int:
        start = f"/api/groups/{self._group(group)}/members/"
        return sum(call.method == "PUT" and call.path.startswith(start) for call in self.app.calls)

    async def pages(self) -> int:
        return len(self.app.views)

    async def strangers(self) -> int:
        return sum(view.status == 403 for view in self.app.views)


def identity_headers(pairs: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """The identity headers among (name, value) pairs, in whatever spelling they came, every one with all its values."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.lower().replace("_", "-").startswith("x-forwarded-") and name not in OF_THE_CONNECTION:
            found.setdefault(name, []).append(value)
    return found


def _word(call: Call) -> str:
    if call.method == "POST" and call.path == "/api/users":
        return "create"
    if "/members/" in call.path:
        return {"PUT": "join", "DELETE": "leave"}.get(call.method, "")
    return "change" if call.method == "PATCH" else ""


@asynccontextmanager
async def demo_app() -> AsyncIterator[Demo]:
    """The demonstration's app, running, with Carol, Zoe and their book club."""
    async with Relay() as relay:
        app = Demo(relay)
        await app.app.start()
        relay.target = app.url.removeprefix("http://")
        try:
            yield app
        finally:
            await app.app.stop()
