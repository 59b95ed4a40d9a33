"""The real Redmine as a test partner: own port, own SQLite database and files in a folder of the test; nothing else is touched.

    async with running_redmine(tmp_path) as redmine:
        redmine.url, redmine.admin_key
        await redmine.users()                      # locked ones included
        await redmine.make_group("Developers")
        await redmine.page_as("alice", "/my/page") # as a proxy would forward her

`X-Forwarded-User` signs in whoever it names, through a few lines in this copy's `config.ru`.
"""

import contextlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.processes import Child
from tests.partners.redmine_template import Missing, ready_template, ruby_environment

ACTIVE, REGISTERED, LOCKED = 1, 2, 3
ADMIN = "admin"
_READY_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedmineUser:
    """An account as Redmine's API shows it to the administrator; `groups` are names."""

    id: int
    login: str
    mail: str
    firstname: str
    lastname: str
    status: int
    admin: bool
    groups: frozenset[str]

    @property
    def is_locked(self) -> bool:
        return self.status == LOCKED


@dataclass(frozen=True, slots=True, kw_only=True)
class RedminePage:
    """One page as a browser behind the proxy would get it; redirects are not followed."""

    status: int
    text: str
    location: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redmine:
    """A running Redmine. `folder` holds its database and log."""

    url: str
    admin_key: str = field(repr=False)
    folder: Path

    async def users(self) -> dict[str, RedmineUser]:
        """Every account by its login, whatever its status."""
        listed = await self._paged("/users.json?status=", "users")
        shown = [
            (await self.call("GET", f"/users/{user['id']}.json?include=groups"))["user"] for user in listed
        ]
        return {user["login"]: _user(user) for user in shown}

    async def user(self, login: str) -> RedmineUser | None:
        return (await self.users()).get(login)

    async def groups(self) -> dict[str, int]:
        """The ids of the groups by their names."""
        answer = await self.call("GET", "/groups.json")
        return {group["name"]: group["id"] for group in answer["groups"]}

    async def make_group(self, name: str, *members: int) -> int:
        body = {"group": {"name": name, "user_ids": list(members)}}
        made: int = (await self.call("POST", "/groups.json", body))["group"]["id"]
        return made

    async def members(self, group: int) -> frozenset[int]:
        answer = await self.call("GET", f"/groups/{group}.json?include=users")
        return frozenset(user["id"] for user in answer["group"]["users"])

    async def make_user(
        self, login: str, mail: str, *, firstname: str = "Hand", lastname: str = "Made"
    ) -> int:
        """An account made by hand, as an administrator would."""
        user = {
            "login": login,
            "mail": mail,
            "firstname": firstname,
            "lastname": lastname,
            "generate_password": True,
        }
        made: int = (await self.call("POST", "/users.json", {"user": user}))["user"]["id"]
        return made

    async def set_status(self, user: int, status: int) -> None:
        await self.call("PUT", f"/users/{user}.json", {"user": {"status": status}})

    async def page_as(self, login: str | None, path: str = "/my/page") -> RedminePage:
        """The page as the app serves it to whom the header names (None: no header)."""
        headers = {"X-Forwarded-User": login} if login else {}
        async with (
            _client() as http,
            http.get(self.url + path, headers=headers, allow_redirects=False) as answer,
        ):
            return RedminePage(
                status=answer.status, text=await answer.text(), location=answer.headers.get("Location")
            )

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the admin API, which must be agreed to; the JSON answer, or None."""
        headers = {"X-Redmine-API-Key": self.admin_key}
        async with (
            _client() as http,
            http.request(
                method, self.url + path, json=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            text = await answer.text()
            assert answer.status < 300, f"{method} {path}: {answer.status} {text[:500]}"
            return await answer.json() if text.strip() else None

    async def _paged(self, path: str, name: str) -> list[Any]:
        rows: list[Any] = []
        while True:
            answer = await self.call("GET", f"{path}&limit=100&offset={len(rows)}")
            rows += answer[name]
            if len(rows) >= answer["total_count"]:
                return rows


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30), cookie_jar=aiohttp.DummyCookieJar())


def _user(shown: dict[str, Any]) -> RedmineUser:
    return RedmineUser(
        id=shown["id"],
        login=shown["login"],
        mail=shown.get("mail", ""),
        firstname=shown["firstname"],
        lastname=shown["lastname"],
        status=shown["status"],
        admin=shown["admin"],
        groups=frozenset(group["name"] for group in shown.get("groups", ())),
    )


def need_redmine() -> Path:
    """The template; skips the test with what is missing, or fails it where CI=true."""
    try:
        return ready_template()
    except Missing as error:
        sentence = f"missing: {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@contextlib.contextmanager
def redmine_process(folder: Path) -> Iterator[Redmine]:
    """A running Redmine whose database and files are in `folder`; for fixtures of any scope. Blocks for about four seconds."""
    template = need_redmine()
    place = folder / "redmine"
    (place / "tmp").mkdir(parents=True)
    shutil.copyfile(template / "redmine.sqlite", place / "redmine.sqlite")
    key = _new_admin_key(place / "redmine.sqlite")
    argv = [
        "puma",
        "--config",
        "-",
        "--environment",
        "production",
        "--threads",
        "1:4",
        "--bind",
        "tcp://127.0.0.1:0",
        "config.ru",
    ]
    with Child("redmine", argv, folder=place, env=ruby_environment(place), cwd=template / "tree") as child:
        line = child.wait_for_line(lambda line: "Listening on http" in line, _READY_SECONDS)
        yield Redmine(url=line.split("Listening on ", 1)[1].strip(), admin_key=key, folder=place)


@contextlib.asynccontextmanager
async def running_redmine(folder: Path) -> AsyncIterator[Redmine]:
    """`redmine_process` for a test that has an event loop; ends when the block does."""
    with redmine_process(folder) as redmine:
        yield redmine


def _new_admin_key(database: Path) -> str:
    key = secrets.token_hex(20)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        changed = connection.execute("UPDATE tokens SET value = ? WHERE action = 'api'", (key,)).rowcount
    assert changed == 1, "the template holds exactly one API key, the administrator's"
    return key
