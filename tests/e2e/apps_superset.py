"""Superset as an app of the story: a group's members are one whole list."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import aiohttp

from proxy.demo.people import Person
from tests.e2e.apps import HAND_MADE, LINKED, Seen
from tests.e2e.apps_relayed import Relayed
from tests.e2e.relay import Relay
from tests.fakes.browser import Answer
from tests.partners.superset import Superset

EVERYBODY = "/security/users/?q=(page_size:100)"


class RealSuperset(Relayed):
    """Superset's own pages and its database of people; no database of anybody's is connected."""

    page = "/superset/welcome/"
    creation = b"POST /api/v1/security/users/"
    joining = b"PUT /api/v1/security/groups/"
    words: ClassVar = {
        "POST /api/v1/security/users/": "create",
        "PUT /api/v1/security/groups/": "join",  # or leave: the list that is written tells
        "PUT /api/v1/security/users/": "change",
    }

    def __init__(self, superset: Superset, relay: Relay, pages: Relay) -> None:
        super().__init__(relay, pages)
        self._superset = superset
        self._bearer = ""

    @property
    def token(self) -> str:
        return self._superset.password

    def credentials(self) -> dict[str, str]:
        return {"username": self._superset.username, "password": self.token}

    def settings(self) -> dict[str, Any]:
        protected = [self._superset.username]
        return {"preset": "superset", "url": f"http://{self.relay.address}", "protected": protected}

    def login_of(self, person: Person) -> str:
        return person.login

    async def accounts(self) -> list[Seen]:
        shown = await self._call("GET", EVERYBODY)
        assert shown["count"] == len(shown["result"]), "more accounts than one page shows"
        return [
            Seen(
                id=str(user["id"]),
                login=user["username"],
                email=user["email"],
                is_active=user["active"],
                groups=frozenset(group["name"] for group in user["groups"]),
            )
            for user in shown["result"]
        ]

    async def make_by_hand(self, person: Person) -> None:
        assert person.email == f"{person.login}@example.com"
        await self._superset.make_user(person.login)

    async def join_by_hand(self, login: str, group: str) -> None:
        found = await self._group(group)
        account = next(one.id for one in await self.accounts() if one.login == login)
        members = (await self._call("GET", f"/security/groups/{found}"))["result"]["users"]
        users = sorted({int(account), *(member["id"] for member in members)})
        await self._call("PUT", f"/security/groups/{found}", {"users": users})

    def shown(self, page: Answer) -> str | None:
        """The page is built by its script, from what stands in its `data-bootstrap`."""
        found = re.search(r'"username": "([^"]+)"', html.unescape(page.text))
        return found[1] if page.status == 200 and found else None

    async def joins(self, group: str) -> int:
        """How often the group's list was written; a leave writes it too."""
        line = f"PUT /api/v1/security/groups/{await self._group(group)}"
        return sum(call.line == line for call in self.relay.exchanges)

    async def _group(self, name: str) -> str:
        groups = (await self._call("GET", "/security/groups/"))["result"]
        return next(str(one["id"]) for one in groups if one["name"] == name)

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """As the administrator, who signs in once: that costs Superset more than any call after it."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            self._bearer = self._bearer or await self._signed_in(http)
            headers = {"Authorization": f"Bearer {self._bearer}"}
            url = f"{self._superset.url}/api/v1{path}"
            async with http.request(method, url, json=body, headers=headers) as answer:
                assert answer.status < 300, f"{method} {path}: {answer.status} {(await answer.text())[:500]}"
                return await answer.json()

    async def _signed_in(self, http: aiohttp.ClientSession) -> str:
        login = {**self.credentials(), "provider": "db"}
        async with http.post(f"{self._superset.url}/api/v1/security/login", json=login) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["access_token"])


async def furnish(superset: Superset) -> None:
    """The groups of the story; its people come with the tests."""
    for group in (*LINKED.values(), HAND_MADE):
        await superset.make_group(group)


@asynccontextmanager
async def real_superset(superset: Superset) -> AsyncIterator[RealSuperset]:
    """One test's view of a Superset that runs and is furnished."""
    address = superset.url.removeprefix("http://")
    async with Relay(address) as relay, Relay(address) as pages:
        yield RealSuperset(superset, relay, pages)
