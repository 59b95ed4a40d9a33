"""`/_muster/profile`: who we think you are, who said so, when, and where else you are signed in (GET); ask again now (POST).

*Refresh* is one renewal, forced (rules §3): the IdP is asked, the answer is taken as any hour's, and the page says what became
of the groups. Who was asked about a moment ago is not asked about again: one look at the session in the shared store tells.
"""

from typing import Final, assert_never

from aiohttp import web

from proxy.identity import NOT_STATED, Groups
from proxy.session.model import AccountRefused, AccountState, Pending, Ready, Session
from proxy.web.answers import Answer, redirect
from proxy.web.devices import PROFILE, places
from proxy.web.endpoint import PAGES, PARTS
from proxy.web.forms import FORGED, genuine_form
from proxy.web.guard import FIELD, form_token
from proxy.web.moments import moment
from proxy.web.sign_out import form_targets
from proxy.web.visitor import is_script, session_of
from proxy.web.wording import wording_of

PAUSE: Final = 10.0
"""Seconds between two questions that a person may have asked."""

TOO_SOON: Final = "Your identity provider was asked a moment ago. Try again in a few seconds."
UNCHANGED: Final = "Your identity provider was asked now. Your groups there are the same as before."
NO_ANSWER: Final = "Your identity provider did not answer. Everything stays as it is."


async def profile(request: web.Request) -> Answer:
    parts, pages = request.app[PARTS], request.app[PAGES]
    session = await session_of(parts, request)
    if session is None:
        return pages.not_signed_in() if is_script(request) else redirect(pages.sign_in_address(PROFILE))
    return await _page(request, session)


async def refresh(request: web.Request) -> Answer:
    """The page again, with what changed. Without a refresh token the browser passes the IdP silently instead."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    session = await session_of(parts, request)
    if session is None:
        return redirect(pages.sign_in_address(PROFILE))
    if await genuine_form(request, parts, session) is None:
        return pages.notice(FORGED, status=403, code="forged_request")
    if _is_too_soon(session, parts.clock()):
        return await _page(request, session, note=TOO_SOON, status=429)
    if session.tokens.refresh_token is None:
        return redirect(pages.sign_in_address(PROFILE, is_silent=True))
    after = await parts.renew.renew(session.key, is_forced=True)
    if after is None:
        return redirect(pages.sign_in_address(PROFILE))
    return await _page(request, after, note=changed(session, after))


def changed(before: Session, after: Session) -> str:
    """What a renewal brought, in a sentence or two."""
    if after.refreshed_at <= before.refreshed_at:
        return NO_ANSWER
    old, new = before.identity.groups, after.identity.groups
    if new is NOT_STATED or old == new:
        return UNCHANGED
    known = frozenset() if old is NOT_STATED else old
    gained, lost = ", ".join(sorted(new - known)), ", ".join(sorted(known - new))
    told = [f"New: {gained}." if gained else "", f"No longer: {lost}." if lost else ""]
    return " ".join(["Your groups have changed.", *filter(None, told)])


async def _page(
    request: web.Request, session: Session, *, note: str | None = None, status: int = 200
) -> Answer:
    parts, pages, now = request.app[PARTS], request.app[PAGES], request.app[PARTS].clock()
    flow = parts.flows.get(session.idp)
    own = await parts.sessions.of_subject(session.subject)
    return pages.page(
        "profile.html",
        status=status,
        note=note,
        identity=session.identity,
        idp_name=session.idp if flow is None else flow.rules.name,
        groups=described_groups(session.identity.groups),
        account=described_account(session.account),
        asked=moment(session.refreshed_at, now),
        next_asked=moment(session.due_at, now),
        trouble=session.trouble,
        places=places(parts, own, session, now),
        token=form_token(parts.keys, session.key),
        field=FIELD,
        form_targets=await form_targets(parts, session),
    )


def _is_too_soon(session: Session, now: float) -> bool:
    """Answered a moment ago, or in the cool-off after trouble."""
    return now - session.refreshed_at < PAUSE or now < (session.next_attempt_at or 0.0)


def described_groups(groups: Groups) -> str:
    """A sentence; the three values stay three."""
    if groups is NOT_STATED:
        return "Your identity provider has not stated any."
    return ", ".join(sorted(groups)) if groups else "None."


def described_account(account: AccountState) -> str:
    match account:
        case Ready(login=login):
            return f"Ready. The app knows you as {login}."
        case Pending():
            return "Being set up."
        case AccountRefused(reason=reason):
            return wording_of(reason, 403).why
        case _:
            assert_never(account)
