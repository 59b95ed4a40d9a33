"""`/_muster/sign-out`: GET asks, POST does it; and the page that follows (RP-Initiated Logout 1.0).

The session ends first, here, and with it what else the same session of the IdP led to; telling the IdP is best effort and
never holds the browser up for long. The page that follows says what is certain: signed out at the IdP too, still
signed in there, or neither, where nobody can know.
"""

import asyncio
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from aiohttp import web

from proxy.errors import Unavailable
from proxy.identity import IdpId
from proxy.reasons import Reason
from proxy.session.codec import NONCE_BYTES
from proxy.session.cookie import attempt_cookie_name, clear_cookie
from proxy.session.model import Session
from proxy.web.answers import Answer, redirect
from proxy.web.cookies import sole_value
from proxy.web.endpoint import PAGES, PARTS
from proxy.web.forms import FORGED, genuine_form, is_own
from proxy.web.guard import FIELD, form_token
from proxy.web.leaving import STATE_BYTES, depart, departed_to, origin_of, returned
from proxy.web.parts import OWN, WebParts
from proxy.web.visitor import cookies_of, session_of

SIGNED_OUT: Final = f"{OWN}/signed-out"
IDP_SECONDS: Final = 3.0


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
    """End the session, tell the IdP, clear the cookie, and go to the IdP's own sign-out where it has one.

    Another site's form comes without our cookies (`SameSite=Lax`), but its answer could still clear them: it is told apart
    before anything is looked at, and only a cookie that came is cleared.
    """
    parts, pages = request.app[PARTS], request.app[PAGES]
    if not is_own(request, parts):
        return pages.notice(FORGED, status=403, code="forged_request")
    cleared = ("Set-Cookie", clear_cookie(parts.site.cookie_name, is_secure=parts.site.is_cookie_secure))
    session = await session_of(parts, request)
    if session is None:
        came = parts.site.cookie_name in cookies_of(request)
        return redirect(parts.site.url(SIGNED_OUT)).with_headers(*([cleared] if came else ()))
    if await genuine_form(request, parts, session) is None:
        return pages.notice(FORGED, status=403, code="forged_request")
    await _end(parts, session)
    parts.journal.signed_out(session)
    return (await _onward(parts, session)).with_headers(cleared)


async def signed_out(request: web.Request) -> Answer:
    """Where the IdP sends the browser back to, and where it goes at once when there is no way through the IdP."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    state, is_secure = request.query.get("state", ""), parts.site.is_cookie_secure
    kept = sole_value(cookies_of(request), attempt_cookie_name(state, is_secure=is_secure))
    at = departed_to(parts.keys, state, kept, is_secure=is_secure)
    forgotten = () if at is None else (returned(state, is_secure=is_secure),)
    if parts.leaving.return_to is not None:
        return redirect(parts.leaving.return_to).with_headers(*forgotten)
    still = IdpId(request.query.get("still", ""))
    page = pages.page("signed_out.html", done_at=_name(parts, at), still_at=_name(parts, still))
    return page.with_headers(*forgotten)


async def form_targets(parts: WebParts, session: Session) -> tuple[str, ...]:
    """The origins that the sign-out form's answer may lead to, one redirect after the other."""
    ends_at = await _end_session_url(parts, session, state=None)
    addresses = [url for url in (ends_at, parts.leaving.return_to) if url is not None]
    return tuple(dict.fromkeys(origin_of(url) for url in addresses))


async def _end(parts: WebParts, session: Session) -> None:
    """This session; and where the IdP's own session ends as well, whatever else it led to for this person."""
    now = parts.clock()
    await parts.sessions.end([session.key], Reason.SIGNED_OUT, now)
    if parts.leaving.goes_to_idp and session.idp_session is not None:
        await parts.sessions.end_idp_session(
            session.idp, session.idp_session, session.subject, Reason.SIGNED_OUT, now
        )


async def _onward(parts: WebParts, session: Session) -> Answer:
    """To the IdP's sign-out where there is one; else to our page, which says that the IdP still knows the browser."""
    await _revoke(parts, session)
    departure = depart(
        parts.keys,
        session.idp,
        is_secure=parts.site.is_cookie_secure,
        entropy=parts.entropy(STATE_BYTES + NONCE_BYTES),
    )
    url = await _end_session_url(parts, session, state=departure.state)
    if url is not None:
        return redirect(url).with_headers(("Set-Cookie", departure.set_cookie))
    if parts.leaving.return_to is not None:
        return redirect(parts.leaving.return_to)
    return redirect(parts.site.url(f"{SIGNED_OUT}?still={quote(session.idp, safe='')}"))


def _name(parts: WebParts, idp: IdpId | None) -> str | None:
    """What people know an IdP by; None for one that is not listed."""
    flow = None if idp is None else parts.flows.get(idp)
    return None if flow is None else flow.rules.name


async def _revoke(parts: WebParts, session: Session) -> None:
    """What the session held. The session is over here; tokens that cannot be revoked in time die by themselves."""
    flow = parts.flows.get(session.idp)
    if flow is None:
        return
    with suppress(TimeoutError, Unavailable):
        async with asyncio.timeout(IDP_SECONDS):
            await flow.revoke(session.tokens, parts.clock())


async def _end_session_url(parts: WebParts, session: Session, *, state: str | None) -> str | None:
    flow = parts.flows.get(session.idp)
    if flow is None or not parts.leaving.goes_to_idp:
        return None
    try:
        async with asyncio.timeout(IDP_SECONDS):
            return await flow.end_session_url(
                id_token_hint=session.tokens.id_token,
                post_logout_redirect_uri=parts.site.url(SIGNED_OUT),
                state=state,
                now=parts.clock(),
            )
    except (TimeoutError, Unavailable):
        return None
