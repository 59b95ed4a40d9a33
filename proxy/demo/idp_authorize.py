"""The demo IdP's front channel: authorization endpoint, sign-in page, end of session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp_jinja2
from aiohttp import web

from proxy.demo.idp_grants import Visit
from proxy.demo.idp_state import IdpState

COOKIE = "demo_idp"
STATE: web.AppKey[IdpState] = web.AppKey("idp_state", IdpState)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An authorization request whose client and redirect address are known to be good."""

    redirect_uri: str
    state: str | None
    scope: str
    nonce: str | None
    challenge: str
    prompt: frozenset[str]
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None

    def is_proved(self, visit: Visit, now: float) -> bool:
        """Whether a browser's session here is good enough for what is asked (OpenID Connect Core §3.1.2.1)."""
        is_young = self.max_age is None or now - visit.auth_time <= self.max_age
        return is_young and (not self.acr_values or visit.acr in self.acr_values)


def is_loopback(url: str) -> bool:
    """The one rule for redirect addresses here: this IdP is for demonstration, and sends nobody off the machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme in {"http", "https"} and (host in LOOPBACK or host.endswith(".localhost"))


def read_request(query: Mapping[str, str], client_id: str) -> Asked | str:
    """The request, or the sentence for the person when it must not be redirected (RFC 6749 §4.1.2.1)."""
    redirect_uri = query.get("redirect_uri", "")
    if query.get("client_id") != client_id:
        return "Unknown client_id."
    if not is_loopback(redirect_uri):
        return "redirect_uri must be a loopback address."
    return Asked(
        redirect_uri=redirect_uri,
        state=query.get("state"),
        scope=query.get("scope", ""),
        nonce=query.get("nonce"),
        challenge=query.get("code_challenge", ""),
        prompt=frozenset(query.get("prompt", "").split()),
        acr_values=tuple(query.get("acr_values", "").split()),
        max_age=int(age) if (age := query.get("max_age", "")[:9]).isdecimal() else None,
    )


def fault_of(query: Mapping[str, str], asked: Asked) -> str | None:
    """The error code that goes back to the client, if the request is not one we serve."""
    if query.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in asked.scope.split():
        return "invalid_scope"
    if query.get("code_challenge_method") != "S256" or not asked.challenge:
        return "invalid_request"
    return None


def send_back(state: IdpState, asked: Asked, answer: dict[str, str]) -> web.Response:
    """Redirect to the client, with `state` and `iss` (RFC 9207)."""
    given = {"state": asked.state} if asked.state is not None else {}
    separator = "&" if "?" in asked.redirect_uri else "?"
    location = asked.redirect_uri + separator + urlencode({**answer, **given, "iss": state.issuer})
    return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})


def visit_of(request: web.Request) -> Visit | None:
    """The browser's session here, unless the person was suspended meanwhile."""
    state = request.app[STATE]
    visit = state.grants.visits.get(request.cookies.get(COOKIE, ""))
    return visit if visit is not None and not state.accounts[visit.login].is_suspended else None


def grant_code(state: IdpState, asked: Asked, visit: Visit) -> web.Response:
    code = state.grants.issue_code(
        visit,
        scope=asked.scope,
        nonce=asked.nonce,
        redirect_uri=asked.redirect_uri,
        challenge=asked.challenge,
        expires_at=state.now() + state.options.code_life,
    )
    return send_back(state, asked, {"code": code})


def page(request: web.Request, name: str, status: int = 200, **context: Any) -> web.Response:
    response = aiohttp_jinja2.render_template(name, request, context, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def sign_in_page(request: web.Request, notice: str = "", status: int = 200) -> web.Response:
    people = [account.as_json() for account in request.app[STATE].accounts.values()]
    return page(request, "idp_sign_in.html", status, people=people, action=request.path_qs, notice=notice)


async def authorize(request: web.Request) -> web.Response:
    """GET /authorize: silent when the browser is known here, else the sign-in page."""
    state = request.app[STATE]
    asked = read_request(request.query, state.options.client_id)
    if isinstance(asked, str):
        return page(request, "idp_message.html", 400, title="This cannot be done", text=asked)
    fault = fault_of(request.query, asked)
    if fault is not None:
        return send_back(state, asked, {"error": fault})
    visit = visit_of(request)
    is_new = bool(asked.prompt & {"login", "select_account"})
    if visit is not None and not is_new and (_is_deaf(state) or asked.is_proved(visit, state.now())):
        return grant_code(state, asked, visit)
    if "none" in asked.prompt:
        return send_back(state, asked, {"error": "login_required"})
    return sign_in_page(request)


async def authorize_form(request: web.Request) -> web.Response:
    """POST /authorize: somebody chose a person (`login`), or pressed Cancel (`cancel`)."""
    state = request.app[STATE]
    asked = read_request(request.query, state.options.client_id)
    if isinstance(asked, str):
        return page(request, "idp_message.html", 400, title="This cannot be done", text=asked)
    form = await request.post()
    fault = "access_denied" if "cancel" in form else fault_of(request.query, asked)
    if fault is not None:
        return send_back(state, asked, {"error": fault})
    account = state.accounts.get(str(form.get("login", "")))
    if account is None:
        return sign_in_page(request, "Nobody has that name.", 400)
    if account.is_suspended:
        return sign_in_page(request, f"{account.person.name}'s account is suspended.", 403)
    acr = asked.acr_values[0] if asked.acr_values and not _is_deaf(state) else None
    cookie, visit = state.grants.sign_in(account.person.login, state.now(), acr)
    response = grant_code(state, asked, visit)
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="Lax", path="/")
    return response


def _is_deaf(state: IdpState) -> bool:
    return not state.options.heeds_step_up


async def end_session(request: web.Request) -> web.Response:
    """GET or POST /end_session: forget the browser here and go back where a loopback address was named."""
    asked = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
    request.app[STATE].grants.visits.pop(request.cookies.get(COOKIE, ""), None)
    target = asked.get("post_logout_redirect_uri", "")
    if is_loopback(target):
        suffix = (
            ("&" if "?" in target else "?") + urlencode({"state": asked["state"]}) if "state" in asked else ""
        )
        response = web.Response(status=303, headers={"Location": target + suffix})
    else:
        response = page(
            request, "idp_message.html", title="Signed out", text="You are signed out at the IdP."
        )
    response.del_cookie(COOKIE, path="/")
    return response
