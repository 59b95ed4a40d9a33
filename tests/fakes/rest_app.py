"""Two small REST servers on real sockets: an awkward admin API (`CorpApp`), and one that answers as told (`ScriptedApp`).

`CorpApp` differs from the demo app and from Redmine wherever it can: a login is exchanged for a token, lists come by cursor, by
`Link` and by offset, writes answer with nothing, memberships go by login, and repeating something is answered with a no.
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

PRESET = """
app: Corp
version: "2"
status: unverified
authentication:
  kind: login
  request: POST /auth
  body: {user: "{credentials.username}", pass: "{credentials.password}"}
  token: access
  value: "Bearer {token}"
headers: {X-Client: "{variables.client}"}
variables: {client: muster, rank: member}
paging: {kind: cursor, cursor: cursor, next: next}
error_text: "[code, hint]"
errors:
  - {status: 409, operations: [create], when: "code == 'duplicate'", means: login_taken}
  - {status: 409, operations: [archive, restore], text: '"already"', means: already_so}
  - {status: 402, means: no_seat}
  - {status: 403, when: "code == 'founder'", means: protected}
  - {status: 404, operations: [archive, restore, set_profile, set_role], means: account_gone}
member:
  id: uuid
  login: handle
  email: contact.mail
  name: label
  active: "state == 'on'"
  role: rank
  groups: teams
  group_id: ref
  required: [state, teams]
account: {request: "GET /v2/people/{account}", item: person, gone: [404]}
search:
  requests:
    - {request: GET /v2/people, query: {state: any, mail: "{email}"}, items: data}
    - {request: GET /v2/people, query: {state: any, handle: "{login}"}, items: data}
archive_means: "off: cannot sign in"
create:
  request: POST /v2/people
  body:
    handle: "{login}"
    contact: {mail: "{email}"}
    label: "{name|login}"
    rank: "{variables.rank}"
    secret: "{random_password}"
  logins: ["{username}", "{email_local}", "{email}"]
archive: {request: "PUT /v2/people/{account}/state", body: {state: "off"}}
restore: {request: "PUT /v2/people/{account}/state", body: {state: "on"}}
set_profile: {request: "PUT /v2/people/{account}", body: {contact: {mail: "{email}"}, label: "{name}"}}
set_role: {request: "PUT /v2/people/{account}", body: {rank: "{role_value}"}, values: {member: member, owner: owner}}
groups: {request: GET /v2/teams, items: "@", id: ref, name: title, paging: {kind: link}}
create_group: {request: POST /v2/teams, body: {title: "{group_name}"}, look_on: [409]}
join: {request: "PUT /v2/teams/{group}/people/{login}", look_on: [404, 409]}
leave: {request: "DELETE /v2/teams/{group}/people/{login}", look_on: [404]}
members:
  request: GET /v2/teams/{group}/people
  items: rows
  id: uuid
  paging: {kind: offset, offset: from, limit: take, size: 2, total: of}
whoami: {request: GET /v2/me, item: person}
"""


@dataclass(slots=True, kw_only=True)
class Person:
    uuid: str
    handle: str
    mail: str | None
    label: str
    state: str = "on"
    rank: str = "member"
    teams: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        return {
            "uuid": self.uuid,
            "handle": self.handle,
            "contact": {"mail": self.mail},
            "label": self.label,
            "state": self.state,
            "rank": self.rank,
            "teams": [{"ref": ref} for ref in sorted(self.teams)],
        }


class Served:
    """An aiohttp application on a free port, for the length of an `async with`."""

    url = ""

    def _application(self) -> web.Application:
        raise AssertionError("each server says its own")

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._runner.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it arrived: `target` is the raw path with its query."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
"""Misbehaves for one request; None lets it be answered as usual."""


class CorpApp(Served):
    """The awkward app. `faults` are used up one per request of the API, the login not counted."""

    def __init__(self, *, seats: int | None = None, page_size: int = 2) -> None:
        self.people: dict[str, Person] = {}
        self.teams: dict[str, str] = {}
        self.seats = seats
        self.page_size = page_size
        self.tokens: set[str] = set()
        self.logins = 0
        self.faults: deque[Fault] = deque()
        self.seen: list[Seen] = []
        self._ids = itertools.count(1)
        self.add("root", "root@corp.example", "Root", rank="owner")

    def add(self, handle: str, mail: str | None, label: str, *, rank: str = "member") -> Person:
        person = Person(uuid=f"p-{next(self._ids)}", handle=handle, mail=mail, label=label, rank=rank)
        self.people[person.uuid] = person
        return person

    def add_team(self, title: str) -> str:
        ref = f"t/{next(self._ids)} ä"
        self.teams[ref] = title
        return ref

    def by_handle(self, handle: str) -> Person | None:
        return next((person for person in self.people.values() if person.handle == handle), None)

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._front])
        application.add_routes(
            [
                web.post("/auth", self._auth),
                web.get("/v2/me", self._me),
                web.get("/v2/people", self._list_people),
                web.post("/v2/people", self._create),
                web.get("/v2/people/{id}", self._show),
                web.put("/v2/people/{id}", self._change),
                web.put("/v2/people/{id}/state", self._set_state),
                web.get("/v2/teams", self._list_teams),
                web.post("/v2/teams", self._create_team),
                web.get("/v2/teams/{ref}/people", self._list_members),
                web.put("/v2/teams/{ref}/people/{handle}", self._join),
                web.delete("/v2/teams/{ref}/people/{handle}", self._leave),
            ]
        )
        return application

    @web.middleware
    async def _front(
        self, request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.seen.append(await seen(request))
        if request.path == "/auth":
            return await handler(request)
        fault = await self.faults.popleft()(request) if self.faults else None
        if fault is not None:
            return fault
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _no(401, "token", hint=request.headers.get("Authorization", ""))
        return await handler(request)

    async def _auth(self, request: web.Request) -> web.Response:
        given = await request.json()
        if (given.get("user"), given.get("pass")) != ("root", "s3cret"):
            return _no(401, "who", hint=str(given.get("pass")))
        self.logins += 1
        token = f"token-{self.logins}"
        self.tokens.add(token)
        return web.json_response({"access": token})

    async def _me(self, _request: web.Request) -> web.Response:
        return web.json_response({"person": self.people["p-1"].as_json()})

    async def _list_people(self, request: web.Request) -> web.Response:
        rows = [
            person.as_json()
            for person in self.people.values()
            if (request.query.get("state") == "any" or person.state == "on")
            and request.query.get("handle", "") in person.handle
            and request.query.get("mail", "").lower() in (person.mail or "").lower()
        ]
        start = int(request.query.get("cursor", "0"))
        end = start + self.page_size
        return web.json_response({"data": rows[start:end], "next": end if end < len(rows) else None})

    async def _show(self, request: web.Request) -> web.Response:
        person = self.people.get(request.match_info["id"])
        return web.json_response({"person": person.as_json()}) if person else _no(404, "none")

    async def _create(self, request: web.Request) -> web.Response:
        given = await request.json()
        if len(given["secret"]) < 20:
            return _no(422, "weak")
        if self.by_handle(given["handle"]):
            return _no(409, "duplicate")
        if self._is_full():
            return _no(402, "plan")
        self.add(given["handle"], given["contact"].get("mail"), given["label"], rank=given["rank"])
        return web.Response(status=201)

    def _is_full(self) -> bool:
        return self.seats is not None and sum(one.state == "on" for one in self.people.values()) >= self.seats

    async def _change(self, request: web.Request) -> web.Response:
        person, given = self.people.get(request.match_info["id"]), await request.json()
        if person is None:
            return _no(404, "none")
        person.label = given.get("label", person.label)
        person.rank = given.get("rank", person.rank)
        person.mail = given.get("contact", {}).get("mail", person.mail)
        return web.Response(status=204)

    async def _set_state(self, request: web.Request) -> web.Response:
        person, wanted = self.people.get(request.match_info["id"]), (await request.json())["state"]
        if person is None:
            return _no(404, "none")
        if person.uuid == "p-1":
            return _no(403, "founder")
        if person.state == wanted:
            return _no(409, "already")
        if wanted == "on" and self._is_full():
            return _no(402, "plan")
        person.state = wanted
        return web.Response(status=204)

    async def _list_teams(self, request: web.Request) -> web.Response:
        start = int(request.query.get("at", "0"))
        rows = [{"ref": ref, "title": title} for ref, title in self.teams.items()]
        end = start + self.page_size
        headers = {"Link": f'<{self.url}/v2/teams?at={end}>; rel="next"'} if end < len(rows) else {}
        return web.json_response(rows[start:end], headers=headers)

    async def _create_team(self, request: web.Request) -> web.Response:
        title = (await request.json())["title"]
        if title in self.teams.values():
            return _no(409, "taken")
        self.add_team(title)
        return web.Response(status=201)

    async def _list_members(self, request: web.Request) -> web.Response:
        ref, start, take = request.match_info["ref"], int(request.query["from"]), int(request.query["take"])
        rows = [{"uuid": one.uuid} for one in self.people.values() if ref in one.teams]
        if ref not in self.teams:
            return _no(404, "none")
        return web.json_response({"rows": rows[start : start + take], "of": len(rows)})

    async def _join(self, request: web.Request) -> web.Response:
        person, ref = self.by_handle(request.match_info["handle"]), request.match_info["ref"]
        if person is None or ref not in self.teams:
            return _no(404, "none")
        if ref in person.teams:
            return _no(409, "already")
        person.teams.add(ref)
        return web.Response(status=204)

    async def _leave(self, request: web.Request) -> web.Response:
        person, ref = self.by_handle(request.match_info["handle"]), request.match_info["ref"]
        if person is None or ref not in person.teams:
            return _no(404, "none")
        person.teams.discard(ref)
        return web.Response(status=204)


class ScriptedApp(Served):
    """Answers each request with the next fault of `script`; 404 when there is none left."""

    def __init__(self, *script: Fault) -> None:
        self.script: deque[Fault] = deque(script)
        self.seen: list[Seen] = []
        self.at_once = 0
        self.most_at_once = 0

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(await seen(request))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            answer = await self.script.popleft()(request) if self.script else None
        finally:
            self.at_once -= 1
        return answer or web.Response(status=404)


async def seen(request: web.Request) -> Seen:
    text = await request.text()
    body = json.loads(text) if text else None
    return Seen(method=request.method, target=request.raw_path, headers=dict(request.headers), body=body)


def _no(status: int, code: str, *, hint: str = "") -> web.Response:
    return web.json_response({"code": code, "hint": hint}, status=status)


# --- how an app may misbehave -----------------------------------------------------------------------------------------


def answering(status: int = 200, body: Any = None, **headers: str) -> Fault:
    """A fixed answer; `body` is JSON, or bytes as they are; `_` in a header's name stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def fault(_request: web.Request) -> web.StreamResponse:
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, headers=named)
        return (
            web.Response(status=status, headers=named)
            if body is None
            else web.json_response(body, status=status, headers=named)
        )

    return fault


async def as_usual(_request: web.Request) -> None:
    """No fault: lets the request be answered."""


def slow(seconds: float) -> Fault:
    async def fault(_request: web.Request) -> None:
        await asyncio.sleep(seconds)

    return fault


async def reset(request: web.Request) -> web.StreamResponse:
    """The connection breaks before an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def half_page(request: web.Request) -> web.StreamResponse:
    """The connection breaks in the middle of a list."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(b'{"data": [{"uuid": "p-1"}')
    assert request.transport is not None
    request.transport.close()
    return answer


def huge(mebibytes: int) -> Fault:
    """An answer of that size, in pieces."""

    async def fault(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        for _ in range(mebibytes):
            await answer.write(b" " * 1024 * 1024)
        return answer

    return fault
