"""An app with many members, as a process of its own: `python -m proof.big_app --members 10000 --groups 200` prints its address.

Person N is account N and wants the groups of `wanted(N, GROUPS)`; account 0 is the administrator behind the token. `--drift K`
edits the first K people by hand: every third is missing from a group, every third is in one too many, every third was
archived. `--guests K` adds accounts that nobody vouches for, each in one group. `GET /control` tells what was asked and what is,
`POST /control` begins anew.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from proxy.demo.listener import Listener, serve_until_signal

TOKEN = "proof-token"
GROUPS_EACH = 5
PAGE = 200

PRESET = """\
app: An app with many members
version: "1"
status: verified
authentication: {kind: header, header: Authorization, value: "Bearer {credentials.token}"}
paging: {kind: offset, offset: offset, limit: limit, size: 200, total: total}
errors:
  - {status: 409, operations: [create], means: login_taken}
member:
  {id: id, login: login, email: email, name: name, active: active, admin: admin, groups: groups, required: [id, active, groups]}
account: {request: "GET /users/{account}", gone: [404]}
search:
  requests:
    - {request: GET /users, query: {login: "{login}"}, items: items}
    - {request: GET /users, query: {email: "{email}"}, items: items}
archive_means: switched off
create: {request: POST /users, body: {login: "{login}", email: "{email}", name: "{name}"}, logins: ["{username}"], answer: "@"}
restore: {request: "PATCH /users/{account}", body: {active: true}}
archive: {request: "PATCH /users/{account}", body: {active: false}}
groups: {request: GET /groups, items: items, id: id, name: name}
join: {request: "PUT /groups/{group}/members/{account}"}
leave: {request: "DELETE /groups/{group}/members/{account}"}
members: {request: "GET /groups/{group}/members", items: items, id: "@"}
accounts:
  request: GET /users
  items: items
  member: {id: id, login: login, email: email, active: active, admin: admin, required: [id, login, active]}
whoami: {request: GET /users/0}
"""


def wanted(person: int, groups: int) -> set[int]:
    """The groups that everybody has for certain, by number."""
    return set(random.Random(person).sample(range(groups), min(GROUPS_EACH, groups)))


@dataclass(slots=True)
class Account:
    login: str
    email: str
    groups: set[int] = field(default_factory=set)
    is_active: bool = True
    is_admin: bool = False


class BigApp:
    """Accounts and groups in memory, and how often each kind of call was made."""

    def __init__(self, members: int, groups: int, drift: int, guests: int) -> None:
        self._figures = (members, groups, drift, guests)
        self._listener = Listener(self.application)
        self.begin()

    def begin(self) -> None:
        """Everything as it was at first."""
        members, groups, drift, guests = self._figures
        self.accounts = {0: Account("robot", "robot@example.com", is_admin=True)}
        self.members: list[set[int]] = [set() for _ in range(groups)]
        self.calls: Counter[str] = Counter()
        self.losers: set[int] = set()
        for person in range(1, members + 1):
            self.add(f"person{person}", wanted(person, groups))
        for person in range(1, drift + 1):
            self._edit(person, groups)
        for guest in range(guests):
            self.add(f"guest{guest}", {guest % groups})

    def add(self, login: str, groups: set[int]) -> int:
        number = len(self.accounts)
        self.accounts[number] = Account(login, f"{login}@example.com", set(groups))
        for group in groups:
            self.members[group].add(number)
        return number

    def _edit(self, person: int, groups: int) -> None:
        account = self.accounts[person]
        if person % 3 == 0:
            account.is_active = False
        elif person % 3 == 1:
            self.move(person, min(account.groups), is_in=False)
        else:
            others = ((7 * person + step) % groups for step in range(groups))
            self.move(person, next(one for one in others if one not in account.groups), is_in=True)

    def move(self, person: int, group: int, *, is_in: bool) -> None:
        for one, what in ((self.members[group], person), (self.accounts[person].groups, group)):
            (one.add if is_in else one.discard)(what)

    def shown(self, number: int, *, with_groups: bool) -> dict[str, Any]:
        one = self.accounts[number]
        shown = {
            "id": number,
            "login": one.login,
            "email": one.email,
            "name": one.login,
            "active": one.is_active,
        }
        shown |= {"admin": one.is_admin}
        return shown | ({"groups": sorted(one.groups)} if with_groups else {})

    # --- served ---

    def application(self) -> web.Application:
        made = web.Application(middlewares=[self._counted])
        made.add_routes(
            [
                web.get("/users", self._users),
                web.post("/users", self._create),
                web.get(r"/users/{id:\d+}", self._user),
                web.patch(r"/users/{id:\d+}", self._change),
                web.get("/groups", self._groups),
                web.get(r"/groups/{group:\d+}/members", self._members),
                web.put(r"/groups/{group:\d+}/members/{id:\d+}", self._move),
                web.delete(r"/groups/{group:\d+}/members/{id:\d+}", self._move),
                web.get("/control", self._control),
                web.post("/control", self._again),
            ]
        )
        return made

    @web.middleware
    async def _counted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path != "/control":
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return web.json_response({}, status=401)
            self.calls[request.method] += 1
        response: web.StreamResponse = await handler(request)
        return response

    async def _users(self, request: web.Request) -> web.Response:
        for name in ("login", "email"):
            if name in request.query:
                found = [n for n, one in self.accounts.items() if getattr(one, name) == request.query[name]]
                return _page(request, [self.shown(number, with_groups=True) for number in found])
        first = int(request.query.get("offset", "0"))
        some = range(first, min(first + PAGE, len(self.accounts)))
        items = [self.shown(number, with_groups=False) for number in some]
        return web.json_response({"items": items, "total": len(self.accounts)})

    async def _create(self, request: web.Request) -> web.Response:
        login = (await request.json())["login"]
        if any(one.login == login for one in self.accounts.values()):
            return web.json_response({}, status=409)
        return web.json_response(self.shown(self.add(login, set()), with_groups=True), status=201)

    async def _user(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        if number not in self.accounts:
            return web.json_response({}, status=404)
        return web.json_response(self.shown(number, with_groups=True))

    async def _change(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        self.accounts[number].is_active = bool((await request.json())["active"])
        self.losers |= set() if self.accounts[number].is_active else {number}
        return web.json_response({})

    async def _groups(self, request: web.Request) -> web.Response:
        return _page(request, [{"id": n, "name": f"group {n}"} for n in range(len(self.members))])

    async def _members(self, request: web.Request) -> web.Response:
        return _page(request, sorted(self.members[int(request.match_info["group"])]))

    async def _move(self, request: web.Request) -> web.Response:
        number, is_in = int(request.match_info["id"]), request.method == "PUT"
        self.move(number, int(request.match_info["group"]), is_in=is_in)
        self.losers |= set() if is_in else {number}
        return web.json_response({})

    async def _control(self, request: web.Request) -> web.Response:
        """`losers` are people from whom something was taken."""
        return web.json_response(
            {
                "calls": dict(self.calls),
                "losers": len(self.losers),
                "archived": sum(not one.is_active for one in self.accounts.values()),
                "sizes": [len(members) for members in self.members],
                "accounts": {
                    one.login: [one.is_active, sorted(one.groups)] for one in self.accounts.values()
                },
            }
        )

    async def _again(self, request: web.Request) -> web.Response:
        self.begin()
        return web.json_response({})

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        return await self._listener.start(host, port)

    async def stop(self) -> None:
        await self._listener.stop()


def _page(request: web.Request, items: list[Any]) -> web.Response:
    first = int(request.query.get("offset", "0"))
    return web.json_response({"items": items[first : first + PAGE], "total": len(items)})


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.big_app")
    for name, default in (("members", 0), ("groups", 1), ("drift", 0), ("guests", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args(argv)
    app = BigApp(asked.members, asked.groups, asked.drift, asked.guests)
    asyncio.run(serve_until_signal(app, "127.0.0.1", 0))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
