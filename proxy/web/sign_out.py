"""`/_muster/sign-out`: GET asks, POST does it; and the page that follows.

The session ends first, here; telling the IdP is best effort and never holds the browser up for long.
"""

import asyncio
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from proxy.errors import Unavailable
from proxy.reasons import Reason
from proxy.session.cookie import clear_cookie
from proxy.session.model import Session
from proxy.web.answers import Answer, redirect
from proxy.web.endpoint import PAGES, PARTS
from proxy.web.guard import FIELD, form_token, is_form_token, is_own_request
from proxy.web.parts import OWN, WebParts
from proxy.web.visitor import session_of
from proxy.web.wording import Wording

SIGNED_OUT: Final = f"{OWN}/signed-out"
IDP_SECONDS: Final = 3.0

FORGED: Final = Wording(
    title="Nothing was done",
    why="This request did not come from a page of this site, or the page was too old.",
    todo="Open the sign-out page and press the button there.",
)


async def sign_out_page(request: web.Request) -> Answer:
    """The form, for whoever is signed in."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    session = await session_of(parts, request)
    if session is None:
        return redirect(parts.site.url(SIGNED_OUT))
    return pages.page(
        "sign_out.html",
        session=session,
        token=form_token(parts.keys, session.key),
        field=FIELD,
        form_targets=await form_targets(parts, session),
    )


async def sign_out(request: web.Request) -> Answer:
    """End the session, tell the IdP, clear the cookie, and go to the IdP's own sign-out where it has one."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    cleared = ("Set-Cookie", clear_cookie(parts.site.cookie_name, is_secure=parts.site.is_cookie_secure))
    session = await session_of(parts, request)
    if session is None:
        return redirect(parts.site.url(SIGNED_OUT)).with_headers(cleared)
    if not await _is_genuine(request, parts, session):
        return pages.notice(FORGED, status=403, code="forged_request")
    await parts.sessions.end([session.key], Reason.SIGNED_OUT, parts.clock())
    parts.journal.signed_out(session)
    target = await _told_idp(parts, session)
    return redirect(target or parts.site.url(SIGNED_OUT)).with_headers(cleared)


async def signed_out(request: web.Request) -> Answer:
    return request.app[PAGES].page("signed_out.html")


async def form_targets(parts: WebParts, session: Session) -> tuple[str, ...]:
    """The origin that the sign-out form's answer may lead to."""
    url = await _end_session_url(parts, session)
    if url is None:
        return ()
    split = urlsplit(url)
    return (f"{split.scheme}://{split.netloc}",)


async def _is_genuine(request: web.Request, parts: WebParts, session: Session) -> bool:
    if not is_own_request(
        request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site"), parts.site.public_url
    ):
        return False
    try:
        token = (await request.post()).get(FIELD)
    except ValueError:  # a form that is none: it cannot hold our token
        return False
    return isinstance(token, str) and is_form_token(parts.keys, session.key, token)


async def _told_idp(parts: WebParts, session: Session) -> str | None:
    """Revoke what the session held; where to go on to."""
    flow = parts.flows.get(session.idp)
    if flow is None:
        return None
    url = await _end_session_url(parts, session)
    try:
        async with asyncio.timeout(IDP_SECONDS):
            await flow.revoke(session.tokens, parts.clock())
    except (TimeoutError, Unavailable):
        return url  # the session is over here; the tokens die by themselves
    return url


async def _end_session_url(parts: WebParts, session: Session) -> str | None:
    flow = parts.flows.get(session.idp)
    if flow is None:
        return None
    try:
        async with asyncio.timeout(IDP_SECONDS):
            return await flow.end_session_url(
                id_token_hint=session.tokens.id_token,
                post_logout_redirect_uri=parts.site.url(SIGNED_OUT),
                state=None,
                now=parts.clock(),
            )
    except (TimeoutError, Unavailable):
        return None
