"""`GET /_muster/profile`: who we think you are, who said so, when, and when we ask again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from aiohttp import web

from proxy.identity import NOT_STATED, Groups
from proxy.session.model import AccountRefused, AccountState, Pending, Ready
from proxy.web.answers import Answer, redirect
from proxy.web.endpoint import PAGES, PARTS
from proxy.web.guard import FIELD, form_token
from proxy.web.parts import OWN
from proxy.web.sign_out import form_targets
from proxy.web.visitor import is_script, session_of
from proxy.web.wording import wording_of

PROFILE = f"{OWN}/profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time for people: the machine's form, the clock's, and how far away it is."""

    iso: str
    clock: str
    distance: str


async def profile(request: web.Request) -> Answer:
    parts, pages = request.app[PARTS], request.app[PAGES]
    session = await session_of(parts, request)
    if session is None:
        return pages.not_signed_in() if is_script(request) else redirect(pages.sign_in_address(PROFILE))
    now = parts.clock()
    flow = parts.flows.get(session.idp)
    return pages.page(
        "profile.html",
        identity=session.identity,
        idp_name=session.idp if flow is None else flow.rules.name,
        groups=described_groups(session.identity.groups),
        account=described_account(session.account),
        asked=moment(session.refreshed_at, now),
        next_asked=moment(session.due_at, now),
        trouble=session.trouble,
        token=form_token(parts.keys, session.key),
        field=FIELD,
        form_targets=await form_targets(parts, session),
    )


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


def moment(at: float, now: float) -> Moment:
    time = datetime.fromtimestamp(at, UTC)
    return Moment(
        iso=time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        clock=time.strftime("%H:%M:%S UTC"),
        distance=distance(at - now),
    )


def distance(seconds: float) -> str:
    """How far a time is away, in one unit: "in 54 minutes", "3 seconds ago", "now"."""
    away = abs(seconds)
    if away < 1:
        return "now"
    unit, size = next(
        (unit, size)
        for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
        if away >= size
    )
    number = int(away // size)
    amount = f"{number} {unit}{'' if number == 1 else 's'}"
    return f"in {amount}" if seconds > 0 else f"{amount} ago"
