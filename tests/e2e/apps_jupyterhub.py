"""JupyterHub as an app of the story: people are known by name alone, and nobody can be archived."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from proxy.demo.people import Person
from tests.e2e.apps import HAND_MADE, LINKED, Seen
from tests.e2e.apps_relayed import Relayed
from tests.e2e.relay import Relay
from tests.fakes.browser import Answer
from tests.partners.jupyterhub import ADMIN, JupyterHub


class RealJupyterHub(Relayed):
    """The hub's own pages; nobody's server is ever started."""

    page = "/hub/home"
    creation = b"POST /hub/api/users/"
    joining = b"POST /hub/api/groups/"
    words: ClassVar = {
        "POST /hub/api/users/": "create",
        "POST /hub/api/groups/": "join",
        "DELETE /hub/api/groups/": "leave",
        "PATCH /hub/api/users/": "change",
    }

    def __init__(self, hub: JupyterHub, relay: Relay, pages: Relay) -> None:
        super().__init__(relay, pages)
        self._hub = hub

    @property
    def token(self) -> str:
        return self._hub.service_token

    def credentials(self) -> dict[str, str]:
        return {"token": self.token}

    def settings(self) -> dict[str, Any]:
        return {"preset": "jupyterhub", "url": f"http://{self.relay.address}", "protected": [ADMIN]}

    def login_of(self, person: Person) -> str:
        return person.email

    async def accounts(self) -> list[Seen]:
        return [
            Seen(id=user.name, login=user.name, email=user.name, is_active=True, groups=user.groups)
            for user in (await self._hub.users()).values()
        ]

    async def make_by_hand(self, person: Person) -> None:
        await self._hub.make_user(self.login_of(person))

    async def join_by_hand(self, login: str, group: str) -> None:
        await self._hub.call("POST", f"/groups/{group}/users", {"users": [login]})

    def shown(self, page: Answer) -> str | None:
        found = re.search(r'\buser: "([^"]+)"', page.text)
        return found[1] if page.status == 200 and found else None

    async def joins(self, group: str) -> int:
        line = f"POST /hub/api/groups/{group}/users"
        return sum(call.line == line for call in self.relay.exchanges)

    async def strangers(self) -> int:
        """The hub's own sign-in takes the name from the header, and answers 403 to one that it does not know."""
        answers = [request for request in self._pages.exchanges if request.line.startswith("GET /hub/login")]
        return sum(request.status == 403 for request in answers)


async def furnish(hub: JupyterHub) -> None:
    """The groups of the story; its people come with the tests."""
    for group in (*LINKED.values(), HAND_MADE):
        await hub.call("POST", f"/groups/{group}")


@asynccontextmanager
async def real_jupyterhub(hub: JupyterHub) -> AsyncIterator[RealJupyterHub]:
    """One test's view of a hub that runs and is furnished."""
    address = hub.url.removeprefix("http://")
    async with Relay(address) as relay, Relay(address) as pages:
        yield RealJupyterHub(hub, relay, pages)
