"""The demo IdP's control page and its JSON twin: what a real IdP's administrator would do, in one place.

Not a protocol: `POST /control/…` takes a form (from the page; answers 303 back to it) or JSON (from tests; answers the state).
"""

from typing import Any

from aiohttp import web

from proxy.demo.idp_authorize import STATE, page
from proxy.demo.idp_state import IdpOptions, IdpState, Outage

TUNABLE = {
    "access_life": float,
    "id_token_life": float,
    "refresh_life": float,
    "token_delay": float,
    "issues_refresh_tokens": bool,
    "rotates_refresh_tokens": bool,
    "refresh_has_id_token": bool,
    "denied_marker": str,
}


async def read_change(request: web.Request) -> dict[str, Any]:
    """The JSON object, or the form with its fields brought to the same shapes. Raises 403 for another site's form."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise web.HTTPForbidden(text="Not from another site.")
    if request.content_type == "application/json":
        change = await request.json()
        if not isinstance(change, dict):
            raise web.HTTPBadRequest(text="A JSON object, please.")
        return change
    form = {name: str(value) for name, value in (await request.post()).items()}
    change = dict(form)
    if "groups" in form:
        change["groups"] = [group.strip() for group in form["groups"].split(",") if group.strip()]
    for name in ("suspended", "omit_groups"):
        if name in form:
            change[name] = form[name] == "yes"
    return change


def done(request: web.Request) -> web.Response:
    if request.content_type == "application/json":
        return web.json_response(request.app[STATE].as_json())
    return web.Response(status=303, headers={"Location": "/control"})


async def control_page(request: web.Request) -> web.Response:
    return page(request, "idp_control.html", **request.app[STATE].as_json(), outages=list(Outage))


async def control_state(request: web.Request) -> web.Response:
    return web.json_response(request.app[STATE].as_json())


async def change_person(request: web.Request) -> web.Response:
    """`{"groups": […], "omit_groups": bool, "suspended": bool}`, each optional."""
    state = request.app[STATE]
    account = state.accounts.get(request.match_info["login"])
    if account is None:
        raise web.HTTPNotFound(text="Nobody has that name.")
    change = await read_change(request)
    if "groups" in change:
        account.groups = tuple(str(group) for group in change["groups"])
    account.is_groups_claim_left_out = bool(change.get("omit_groups", account.is_groups_claim_left_out))
    if change.get("suspended") is True:
        state.suspend(account.person.login)
    elif "suspended" in change:
        account.is_suspended = False
    return done(request)


async def change_secret(request: web.Request) -> web.Response:
    """`{"client_secret": "…"}`: from now on only this one is right."""
    change = await read_change(request)
    request.app[STATE].options.client_secret = str(change["client_secret"]) or None
    return done(request)


async def change_outage(request: web.Request) -> web.Response:
    """`{"outage": "none" | "unavailable" | "closing"}`."""
    change = await read_change(request)
    try:
        request.app[STATE].outage = Outage(str(change.get("outage")))
    except ValueError:
        raise web.HTTPBadRequest(text=f"One of {', '.join(Outage)}.") from None
    return done(request)


def set_option(options: IdpOptions, name: str, value: Any) -> None:
    kind = TUNABLE.get(name)
    if kind is None:
        raise web.HTTPBadRequest(text=f"Unknown option {name}.")
    setattr(options, name, None if value is None else kind(value))


async def change_options(request: web.Request) -> web.Response:
    """Any of `TUNABLE`; null where None has a meaning."""
    for name, value in (await read_change(request)).items():
        set_option(request.app[STATE].options, name, value)
    return done(request)


async def rotate_keys(request: web.Request) -> web.Response:
    """`{"keep": bool}`: sign with a new key, and go on publishing the old one or not."""
    change = await read_change(request)
    request.app[STATE].keys.rotate(keep=bool(change.get("keep", True)))
    return done(request)


def refuse_while_out(state: IdpState, request: web.Request) -> web.Response | None:
    """The answer of an IdP that is down; None when it is up, or for the control page."""
    if state.outage is Outage.NONE or request.path.startswith("/control") or request.path == "/":
        return None
    if state.outage is Outage.CLOSING and request.transport is not None:
        request.transport.abort()
    return web.Response(status=503, text="Down for maintenance", headers={"Retry-After": "1"})


CONTROL_ROUTES = (
    web.get("/", control_page),
    web.get("/control", control_page),
    web.get("/control/state", control_state),
    web.post("/control/people/{login}", change_person),
    web.post("/control/secret", change_secret),
    web.post("/control/outage", change_outage),
    web.post("/control/options", change_options),
    web.post("/control/keys", rotate_keys),
)
