"""The demo app's pages for people: it believes the header that names them, as many apps can be told to."""

import asyncio
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from proxy.demo.app_api import STATE
from proxy.demo.app_state import Account, AppState, PageView

USER_HEADER = "X-Forwarded-User"


def note(request: web.Request, login: str | None, status: int) -> None:
    state = request.app[STATE]
    state.views.append(PageView(at=state.now(), path=request.path, login=login, status=status))


def known(request: web.Request) -> Account:
    """The account that the header names; 403 when there is none, or an archived one."""
    login = request.headers.get(USER_HEADER)
    account = request.app[STATE].by_login(login) if login else None
    if account is not None and account.is_active:
        note(request, login, 200)
        return account
    note(request, login, 403)
    text = "Nobody is signed in." if not login else "There is no active account of that name."
    body = aiohttp_jinja2.render_string("app_refused.html", request, {"text": text})
    raise web.HTTPForbidden(text=body, content_type="text/html")


async def home(request: web.Request) -> web.Response:
    account = known(request)
    context: dict[str, Any] = {
        "account": account,
        "groups": request.app[STATE].group_names(account),
        "headers": list(request.headers.items()),
    }
    return aiohttp_jinja2.render_template("app_page.html", request, context)


async def headers(request: web.Request) -> web.Response:
    """The request's headers as JSON pairs, in order."""
    account = known(request)
    return web.json_response(
        {
            "account": account.as_json(),
            "groups": request.app[STATE].group_names(account),
            "headers": [list(pair) for pair in request.headers.items()],
        }
    )


async def echo(request: web.Request) -> web.StreamResponse:
    """Sends the body back as it comes."""
    known(request)
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    await response.prepare(request)
    async for part in request.content.iter_any():
        await response.write(part)
    return response


async def slow(request: web.Request) -> web.Response:
    """Answers after `?seconds=` (default 2, at most 60)."""
    known(request)
    await asyncio.sleep(min(60.0, float(request.query.get("seconds", "2"))))
    return web.Response(text="done\n")


async def events(request: web.Request) -> web.StreamResponse:
    """An endless event stream, one event every `?every=` seconds (default 1)."""
    known(request)
    every = max(0.01, float(request.query.get("every", "1")))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    number = 0
    while True:
        number += 1
        await response.write(f"id: {number}\ndata: tick {number}\n\n".encode())
        await asyncio.sleep(every)


async def public(request: web.Request) -> web.Response:
    """A page for everybody, for open paths."""
    note(request, request.headers.get(USER_HEADER), 200)
    return web.Response(text="Anybody may read this.\n")


def described(state: AppState, account: Account) -> dict[str, Any]:
    return {**account.as_json(), "group_names": state.group_names(account)}


async def admin(request: web.Request) -> web.Response:
    """Accounts and groups, read-only; open, since this is a demonstration."""
    state = request.app[STATE]
    context = {
        "accounts": [described(state, one) for one in state.accounts.values()],
        "groups": [{"id": group, "name": name} for group, name in state.groups.items()],
    }
    return aiohttp_jinja2.render_template("app_admin.html", request, context)


PAGE_ROUTES = (
    web.get("/", home),
    web.get("/headers", headers),
    web.route("*", "/echo", echo),
    web.get("/slow", slow),
    web.get("/events", events),
    web.get("/public", public),
    web.get("/admin", admin),
)
