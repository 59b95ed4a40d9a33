"""The real Superset as a test partner: own port, own database in a folder of the test.

    with superset_process(folder) as superset:
        superset.url, superset.username, superset.password
        await superset.members(group)              # account ids
        await superset.page_as("anna")             # as a proxy would forward her

`X-Forwarded-User` signs in whoever it names, if their account is active.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.processes import Child
from tests.partners.environments import Missing
from tests.partners.prepare_superset import ADMIN, ENVIRONMENT, PASSWORD, environment_of

_READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Superset:
    """A running Superset and its administrator."""

    url: str
    username: str = ADMIN
    password: str = field(default=PASSWORD, repr=False)

    async def make_group(self, name: str) -> str:
        return str((await self.call("POST", "/security/groups/", {"name": name}))["id"])

    async def make_user(self, name: str) -> str:
        person = {
            "username": name,
            "email": f"{name}@example.com",
            "first_name": name,
            "last_name": "Hand",
            "password": PASSWORD,
            "roles": [4],
            "active": True,
        }
        return str((await self.call("POST", "/security/users/", person))["id"])

    async def members(self, group: str) -> frozenset[str]:
        shown = (await self.call("GET", f"/security/groups/{group}"))["result"]["users"]
        return frozenset(str(user["id"]) for user in shown)

    async def page_as(self, name: str, path: str = "/api/v1/me/") -> int:
        """The status of a page for whom the header names; redirects are not followed."""
        headers = {"X-Forwarded-User": name}
        async with (
            aiohttp.ClientSession() as http,
            http.get(self.url + path, headers=headers, allow_redirects=False) as page,
        ):
            return page.status

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the API as the administrator, which must be agreed to."""
        login = {"username": self.username, "password": self.password, "provider": "db"}
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            async with http.post(f"{self.url}/api/v1/security/login", json=login) as answer:
                token = (await answer.json())["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            async with http.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers) as answer:
                assert answer.status < 300, f"{method} {path}: {answer.status} {(await answer.text())[:500]}"
                return await answer.json()


def need_superset() -> Path:
    """Its environment; skips the test with what is missing, or fails it where CI=true."""
    try:
        return ENVIRONMENT.ready()
    except Missing as error:
        sentence = f"missing: {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@contextlib.contextmanager
def superset_process(folder: Path) -> Iterator[Superset]:
    """A running Superset whose database is in `folder`; for fixtures of any scope. Blocks for about five seconds."""
    environment = need_superset()
    place = folder / "superset"
    shutil.copytree(environment / "template", place)
    program = str(environment / "venv" / "bin" / "gunicorn")
    argv = [program, "--workers", "1", "--threads", "4", "--bind", "127.0.0.1:0", "superset.app:create_app()"]
    env = environment_of(environment, place)
    with Child("superset", argv, folder=place, env=env, cwd=place) as child:
        line = child.wait_for_line(lambda line: "Listening at: http" in line, _READY_SECONDS)
        child.wait_for_line(lambda line: "Booting worker" in line, _READY_SECONDS)
        yield Superset(url=line.split("Listening at: ", 1)[1].split(" ")[0])
