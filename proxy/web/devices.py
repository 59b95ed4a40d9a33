"""`POST /_muster/sessions/end`: somebody ends another session of their own, or all the others; and the list of them.

Only the person's own sessions can be named: an id counts among those of this session's subject, and nowhere else. The session
that asks is not ended here; that is what *Sign out* is for.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from proxy.errors import Unavailable
from proxy.reasons import Reason
from proxy.session.model import Session
from proxy.web.answers import Answer, redirect
from proxy.web.browser_words import browser_words
from proxy.web.endpoint import PAGES, PARTS
from proxy.web.forms import FORGED, genuine_form
from proxy.web.moments import Moment, moment
from proxy.web.parts import OWN, WebParts
from proxy.web.visitor import session_of

PROFILE: Final = f"{OWN}/profile"
SHOWN: Final = 16
"""Hexadecimal digits of a session's key that pages, logs and commands know it by."""

IDP_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One session as its person may recognise it."""

    id: str
    browser: str
    address: str
    idp: str
    since: Moment
    seen: Moment
    is_this: bool


async def end_sessions(request: web.Request) -> Answer:
    """303 back to the profile page, which then lists what is left."""
    parts, pages = request.app[PARTS], request.app[PAGES]
    session = await session_of(parts, request)
    if session is None:
        return redirect(pages.sign_in_address(PROFILE))
    fields = await genuine_form(request, parts, session)
    if fields is None:
        return pages.notice(FORGED, status=403, code="forged_request")
    others = [one for one in await parts.sessions.of_subject(session.subject) if one.key != session.key]
    chosen = _chosen(others, fields)
    if chosen:
        await parts.sessions.end([one.key for one in chosen], Reason.ENDED_BY_PERSON, parts.clock())
        parts.journal.ended_by_person(session, len(chosen))
        await _revoke(parts, chosen)
    return redirect(parts.site.url(PROFILE))


def places(parts: WebParts, sessions: Sequence[Session], current: Session, now: float) -> list[Place]:
    """This session first, then the others, the last used first."""
    ordered = sorted(sessions, key=lambda one: (one.key != current.key, -one.last_seen_at))
    return [_place(parts, one, current, now) for one in ordered]


def _place(parts: WebParts, session: Session, current: Session, now: float) -> Place:
    flow = parts.flows.get(session.idp)
    return Place(
        id=session.key[:SHOWN],
        browser=browser_words(session.device.user_agent),
        address=session.device.peer,
        idp=session.idp if flow is None else flow.rules.name,
        since=moment(session.created_at, now),
        seen=moment(max(session.last_seen_at, session.created_at), now),
        is_this=session.key == current.key,
    )


def _chosen(others: Iterable[Session], fields: Mapping[str, object]) -> list[Session]:
    if fields.get("others") == "all":
        return list(others)
    named = fields.get("session")
    return [one for one in others if one.key[:SHOWN] == named]


async def _revoke(parts: WebParts, ended: Iterable[Session]) -> None:
    """Best effort, all at once and in bounded time: the sessions are over already."""
    calls = [
        flow.revoke(one.tokens, parts.clock())
        for one in ended
        if (flow := parts.flows.get(one.idp)) is not None
    ]
    with suppress(TimeoutError, Unavailable):
        async with asyncio.timeout(IDP_SECONDS):
            await asyncio.gather(*calls)
