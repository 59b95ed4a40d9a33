"""`GET /_muster/sign-in?return_to=…&idp=…&silent=1`: choose an IdP where there are several, and go there."""

from typing import assert_never

from aiohttp import web

from proxy.identity import IdpId
from proxy.oidc.client import Authorization
from proxy.oidc.flow import ENTROPY_BYTES, safe_return_to
from proxy.reasons import Reason
from proxy.session.model import Misconfigured, Trouble
from proxy.web import attempts
from proxy.web.answers import Answer, redirect
from proxy.web.endpoint import PAGES, PARTS
from proxy.web.parts import OWN, WebParts
from proxy.web.ports import SignInFlow
from proxy.web.visitor import cookies_of, is_script, session_of
from proxy.web.wording import wording_of

CALLBACK = f"{OWN}/callback"
IDP_RETRY_AFTER = 5


async def sign_in(request: web.Request) -> Answer:
    """A browser starts an attempt; a script never does."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    if is_script(request):
        return pages.not_signed_in()
    return_to = landing(request.query.get("return_to", "/"))
    is_silent = request.query.get("silent") == "1"
    flow = await _chosen(parts, request, is_silent=is_silent)
    if flow is None:
        choices = [(idp, flow.rules.name) for idp, flow in parts.flows.items()]
        return pages.page("choose.html", choices=choices, return_to=return_to)
    return await go(request, flow, return_to, is_silent=is_silent)


def landing(target: str) -> str:
    """Where a sign-in may end: a path of this origin, and of our own pages only the profile."""
    safe = safe_return_to(target)
    path = safe.partition("?")[0]
    return "/" if path.startswith(f"{OWN}/") and path != f"{OWN}/profile" else safe


async def go(request: web.Request, flow: SignInFlow, return_to: str, *, is_silent: bool = False) -> Answer:
    """Send the browser to the IdP, with the attempt sealed into a cookie of its own."""
    parts = request.app[PARTS]
    begun = await flow.authorization(
        redirect_uri=parts.site.url(CALLBACK),
        return_to=return_to,
        entropy=parts.entropy(ENTROPY_BYTES),
        now=parts.clock(),
        is_silent=is_silent,
    )
    match begun:
        case Authorization(attempt=attempt, url=url):
            return redirect(url).with_headers(*attempts.kept(parts, attempt, cookies_of(request)))
        case Trouble() | Misconfigured():
            return idp_failed(request, flow, begun, return_to)
        case _:
            assert_never(begun)


def idp_failed(
    request: web.Request, flow: SignInFlow, fault: Trouble | Misconfigured, return_to: str
) -> Answer:
    """A page that blames the IdP, never the person; nothing is stored."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    if isinstance(fault, Trouble):
        reason, status, detail = Reason.IDP_TROUBLE, 503, fault.detail
        wait: int | None = max(1, int(fault.retry_after or IDP_RETRY_AFTER))
    else:
        reason, status, detail, wait = Reason.IDP_MISCONFIGURED, 502, fault.code, None
    parts.journal.idp_failed(flow.rules.id, reason, detail)
    return pages.notice(
        wording_of(reason, status),
        status=status,
        code=reason.value,
        retry_after=wait,
        retry_to=pages.sign_in_address(return_to),
    )


async def _chosen(parts: WebParts, request: web.Request, *, is_silent: bool) -> SignInFlow | None:
    """The IdP: the one asked for, the one that a silent sign-in continues with, or the only one."""
    asked = parts.flows.get(IdpId(request.query.get("idp", "")))
    if asked is not None:
        return asked
    if len(parts.flows) == 1:
        return next(iter(parts.flows.values()))
    session = await session_of(parts, request) if is_silent else None
    return None if session is None else parts.flows.get(session.idp)
