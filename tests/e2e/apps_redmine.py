"""Redmine as Debian ships it, as an app of the story."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from tests.e2e.apps import HAND_MADE, LINKED, Seen
from tests.e2e.apps_relayed import Relayed
from tests.e2e.relay import Relay
from tests.fakes.browser import Answer
from tests.partners.redmine import Redmine, running_redmine


class RealRedmine(Relayed):
    """Redmine with the demonstration's people and groups."""

    page = "/my/page"
    creation = b"POST /users.json"
    joining = b"POST /groups/"
    words: ClassVar = {
        "POST /users": "create",
        "POST /groups": "join",
        "DELETE /groups": "leave",
        "PUT /users": "change",
    }

    def __init__(self, redmine: Redmine, relay: Relay, pages: Relay) -> None:
        super().__init__(relay, pages)
        self._redmine = redmine
        self._groups: dict[str, int] = {}

    async def furnish(self) -> None:
        """Carol and Zoe were here before Muster, and have a book club."""
        members = [await self._redmine.make_user(name, f"{name}@example.com") for name in ("carol", "zoe")]
        for group in LINKED.values():
            self._groups[group] = await self._redmine.make_group(group)
        self._groups[HAND_MADE] = await self._redmine.make_group(HAND_MADE, *members)

    @property
    def token(self) -> str:
        return self._redmine.admin_key

    def credentials(self) -> dict[str, str]:
        return {"token": self.token}

    def settings(self) -> dict[str, Any]:
        return {"preset": "redmine", "url": f"http://{self.relay.address}", "protected": ["admin"]}

    async def accounts(self) -> list[Seen]:
        return [
            Seen(
                id=str(user.id),
                login=user.login,
                email=user.mail,
                is_active=not user.is_locked,
                groups=user.groups,
            )
            for user in (await self._redmine.users()).values()
        ]

    async def join_by_hand(self, login: str, group: str) -> None:
        user = await self._redmine.user(login)
        assert user is not None
        await self._redmine.call("POST", f"/groups/{self._groups[group]}/users.json", {"user_id": user.id})

    def shown(self, page: Answer) -> str | None:
        found = re.search(r"Logged in as <a [^>]*>([^<]+)</a>", page.text)
        return found[1] if page.status == 200 and found else None

    async def joins(self, group: str) -> int:
        line = f"POST /groups/{self._groups[group]}/users.json"
        return sum(call.line == line for call in self.relay.exchanges)


@asynccontextmanager
async def real_redmine(folder: Path) -> AsyncIterator[RealRedmine]:
    """Redmine, running and furnished."""
    async with running_redmine(folder) as redmine, AsyncExitStack() as stack:
        address = redmine.url.removeprefix("http://")
        relays = [await stack.enter_async_context(Relay(address)) for _ in range(2)]
        app = RealRedmine(redmine, *relays)
        await app.furnish()
        yield app
