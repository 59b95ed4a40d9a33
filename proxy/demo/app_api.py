"""The demo app's admin API: a bearer token, JSON, pages. `config/apps` describes it to Muster as it would any other app."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import Any

from aiohttp import web

from proxy.demo.app_state import ROLES, Account, AppState, Call, Faults

STATE: web.AppKey[AppState] = web.AppKey("app_state", AppState)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def fault(status: int, code: str) -> web.Response:
    return web.json_response({"error": code}, status=status)


def is_admin(request: web.Request) -> bool:
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {request.app[STATE].token}".encode())


@web.middleware
async def admin_api(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Demands the token, misbehaves as told, and writes the call down; other paths pass."""
    if request.path.startswith("/control/") and not is_admin(request):
        return fault(401, "unauthorized")
    if not request.path.startswith("/api/"):
        return await handler(request)
    state = request.app[STATE]
    response = await _answer(state, request, handler)
    state.calls.append(Call(at=state.now(), method=request.method, path=request.path, status=response.status))
    await asyncio.sleep(state.faults.hold)
    return response


async def _answer(state: AppState, request: web.Request, handler: Handler) -> web.StreamResponse:
    await asyncio.sleep(state.faults.delay)
    status = state.faults.take()
    if status is not None:
        response = fault(status, "out_of_order")
        if state.faults.retry_after is not None:
            response.headers["Retry-After"] = str(state.faults.retry_after)
        return response
    if not is_admin(request):
        return fault(401, "unauthorized")
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        return fault(refusal.status, refusal.reason.lower().replace(" ", "_"))


def page_of(request: web.Request, name: str, rows: list[dict[str, Any]]) -> web.Response:
    size = request.app[STATE].page_size
    try:
        number = max(1, int(request.query.get("page", "1")))
    except ValueError:
        raise web.HTTPBadRequest from None
    has_more = len(rows) > number * size
    shown = rows[(number - 1) * size : number * size]
    return web.json_response({name: shown, "next": number + 1 if has_more else None})


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise web.HTTPBadRequest from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest
    return body


def account_of(request: web.Request) -> Account:
    account = request.app[STATE].accounts.get(int(request.match_info["id"]))
    if account is None:
        raise web.HTTPNotFound
    return account


def group_of(request: web.Request) -> str:
    group = request.match_info["group"]
    if group not in request.app[STATE].groups:
        raise web.HTTPNotFound
    return group


async def list_users(request: web.Request) -> web.Response:
    return page_of(request, "users", [one.as_json() for one in request.app[STATE].accounts.values()])


async def show_user(request: web.Request) -> web.Response:
    return web.json_response(account_of(request).as_json())


async def create_user(request: web.Request) -> web.Response:
    state, body = request.app[STATE], await body_of(request)
    login = str(body.get("login", ""))
    if not login:
        return fault(422, "login_missing")
    if state.by_login(login) is not None:
        return fault(409, "login_taken")
    if not state.has_seat():
        return fault(402, "seats")
    account = state.add_account(login, str(body.get("email") or ""), str(body.get("name") or login))
    return web.json_response(account.as_json(), status=201)


async def change_user(request: web.Request) -> web.Response:
    state, account, body = request.app[STATE], account_of(request), await body_of(request)
    if "role" in body and body["role"] not in ROLES:
        return fault(422, "role_unknown")
    if body.get("active") is True and not account.is_active and not state.has_seat():
        return fault(402, "seats")
    account.is_active = bool(body.get("active", account.is_active))
    account.role = str(body.get("role", account.role))
    account.email = str(body.get("email", account.email))
    account.name = str(body.get("name", account.name))
    return web.json_response(account.as_json())


async def list_groups(request: web.Request) -> web.Response:
    groups = request.app[STATE].groups
    return page_of(request, "groups", [{"id": group, "name": name} for group, name in groups.items()])


async def create_group(request: web.Request) -> web.Response:
    state = request.app[STATE]
    name = str((await body_of(request)).get("name") or "")
    if not name or name in state.groups.values():
        return fault(409 if name else 422, "name_taken" if name else "name_missing")
    return web.json_response({"id": state.add_group(name), "name": name}, status=201)


async def list_members(request: web.Request) -> web.Response:
    group = group_of(request)
    members = [one.id for one in request.app[STATE].accounts.values() if group in one.groups]
    return web.json_response({"members": members})


async def join_group(request: web.Request) -> web.Response:
    account_of(request).groups.add(group_of(request))
    return web.Response(status=204)


async def leave_group(request: web.Request) -> web.Response:
    account_of(request).groups.discard(group_of(request))
    return web.Response(status=204)


async def show_me(request: web.Request) -> web.Response:
    return web.json_response(request.app[STATE].accounts[1].as_json())


async def set_faults(request: web.Request) -> web.Response:
    """Replace the faults: any of `Faults`' fields; an empty object mends everything."""
    asked = await body_of(request)
    if not asked.keys() <= {field.name for field in fields(Faults)}:
        return fault(422, "unknown_fault")
    request.app[STATE].faults = Faults(**asked)
    return web.json_response(asked)


async def show_log(request: web.Request) -> web.Response:
    """What was asked of the app so far: admin calls and page views."""
    state = request.app[STATE]
    return web.json_response(
        {"calls": [call.as_json() for call in state.calls], "views": [view.as_json() for view in state.views]}
    )


API_ROUTES = (
    web.get("/api/users", list_users),
    web.post("/api/users", create_user),
    web.get(r"/api/users/{id:\d+}", show_user),
    web.patch(r"/api/users/{id:\d+}", change_user),
    web.get("/api/groups", list_groups),
    web.post("/api/groups", create_group),
    web.get("/api/groups/{group}/members", list_members),
    web.put(r"/api/groups/{group}/members/{id:\d+}", join_group),
    web.delete(r"/api/groups/{group}/members/{id:\d+}", leave_group),
    web.get("/api/me", show_me),
    web.post("/control/faults", set_faults),
    web.get("/control/log", show_log),
)
