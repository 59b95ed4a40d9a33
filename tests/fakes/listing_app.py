"""A small app whose groups, and whose people's groups, are only ever written as whole lists; slow to answer."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.fakes.rest_app import Served

PRESET = """
app: Listing
version: "1"
status: unverified
authentication: {kind: header, header: X-Key, value: "{credentials.token}"}
member: {id: id, login: login, active: active, groups: groups, required: [id, groups]}
account: {request: "GET /people/{account}", gone: [404]}
search: {requests: [{request: GET /people, query: {login: "{login}"}, items: "@"}]}
archive_means: "nothing"
groups: {request: GET /groups, items: "@", id: id, name: name}
members: {request: "GET /groups/{group}", items: users, id: "@"}
join: {request: "PUT /groups/{group}", body: {users: ["{each_member:int}"]}, look_on: [400]}
leave: {request: "PUT /groups/{group}", body: {users: ["{each_member:int}"]}, look_on: [400]}
"""

BY_ACCOUNT = (
    PRESET[: PRESET.index("join:")]
    + """
join: {request: "PUT /people/{account}", body: {groups: [{id: "{each_group}"}]}}
leave: {request: "PUT /people/{account}", body: {groups: [{id: "{each_group}"}]}}
"""
)


class ListingApp(Served):
    """People 1 to 40 and the groups `a` and `b`. `pause` in seconds lies between a reading and its answer."""

    def __init__(self, *, pause: float = 0.01) -> None:
        self.pause = pause
        self.groups: dict[str, list[int]] = {"a": [], "b": [40]}
        self.writes: list[object] = []

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._slowly])
        application.add_routes(
            [
                web.get("/groups", self._list),
                web.get("/groups/{id}", self._show),
                web.put("/groups/{id}", self._replace),
                web.get("/people/{id}", self._person),
                web.put("/people/{id}", self._replace_groups),
            ]
        )
        return application

    @web.middleware
    async def _slowly(
        self, request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        answer = await handler(request)
        await asyncio.sleep(self.pause)
        return answer

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response([{"id": name, "name": name} for name in self.groups])

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response({"users": list(self.groups[request.match_info["id"]])})

    async def _replace(self, request: web.Request) -> web.Response:
        wanted = (await request.json())["users"]
        self.writes.append(wanted)
        if any(number > 40 for number in wanted):
            return web.json_response({"error": "nobody"}, status=400)
        self.groups[request.match_info["id"]] = wanted
        return web.json_response({})

    async def _person(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        if number > 40:
            return web.Response(status=404)
        mine = [name for name, users in self.groups.items() if number in users]
        return web.json_response({"id": number, "login": f"p{number}", "active": True, "groups": mine})

    async def _replace_groups(self, request: web.Request) -> web.Response:
        number, wanted = int(request.match_info["id"]), (await request.json())["groups"]
        self.writes.append(wanted)
        names = {one["id"] for one in wanted}
        for name, users in self.groups.items():
            users[:] = [one for one in users if one != number] + ([number] if name in names else [])
        return web.json_response({})
