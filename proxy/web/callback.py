"""`GET /_muster/callback` and `/callback/IDP`: what came back is judged before any network call; only then the code is redeemed.

A callback never ends a session and never touches an account, whatever the IdP says in it (semantics §5.5).
"""

from typing import Final, assert_never

from aiohttp import web

from proxy.errors import NotTrusted
from proxy.oidc.client import SignedIn as Redeemed
from proxy.oidc.flow import Attempt, CallbackError, Code, Prompt, check_callback
from proxy.reasons import Reason
from proxy.session.cookie import ATTEMPT_SECONDS, set_cookie
from proxy.session.model import AskAgain, Denied, Device, Misconfigured, Trouble
from proxy.web import attempts
from proxy.web.answers import Answer, redirect
from proxy.web.choosing import safe_hint
from proxy.web.cookies import sole_value
from proxy.web.endpoint import PAGES, PARTS, not_trusted
from proxy.web.parts import WebParts
from proxy.web.ports import SignInFlow
from proxy.web.remembered import kept
from proxy.web.sign_in import PLAINER, go, idp_failed, not_allowed
from proxy.web.visitor import cookies_of, key_of, peer_of, session_of, user_agent_of
from proxy.web.wording import HOME, OTHER_ACCOUNT, RETRY, Wording

_TROUBLE_CODES: Final = frozenset({"temporarily_unavailable", "server_error"})
_UNMET: Final = "unmet_authentication_requirements"
"""The IdP says itself that it cannot prove what was asked for (OpenID Connect Unmet Authentication Requirements 1.0)."""

CANCELLED: Final = Wording(
    title="You were not signed in",
    why="The identity provider says that the sign-in was cancelled or is not permitted.",
    todo="Nothing has changed. You can try again, or ask the person who looks after this app.",
    offers=(RETRY,),
)
EXPIRED: Final = Wording(
    title="The sign-in took too long",
    why="What the identity provider gave your browser is no longer good.",
    todo="Nothing has changed. Try again.",
    offers=(RETRY,),
)
UNPROVED: Final = Wording(
    title="This needs a stronger sign-in",
    why="This part of the app needs a stronger or more recent sign-in, and your identity provider did not confirm one.",
    todo="The rest of the app works as before. Try again, and use the stronger way if you are given a choice. If it goes on, "
    "tell the person who looks after this app.",
    offers=(RETRY, HOME),
)
DENIED: Final = Wording(
    title="No access",
    why="Your identity provider says that this account may not sign in.",
    todo="If that is a mistake, ask the people who look after your account. You can also use another one.",
    offers=(OTHER_ACCOUNT,),
)


async def callback(request: web.Request) -> Answer:
    """303 to where the person wanted to go, or a page. The attempt's cookie goes either way, once it is known to be ours."""
    parts = request.app[PARTS]
    state = request.query.get("state", "")
    kept = sole_value(cookies_of(request), attempts.cookie_of(parts, state))
    attempt = attempts.opened(parts, state, kept)
    result = check_callback(list(request.query.items()), attempt, now=parts.clock())
    assert attempt is not None  # check_callback lets no callback without its attempt pass
    if request.path != parts.callback_path(attempt.idp):
        # Another IdP's answer with this attempt's state: a mix-up, even where neither sends `iss` (RFC 9700 §4.4).
        raise NotTrusted("callback_mismatch")
    answer = await _carried_on(request, attempt, result)
    return answer.with_headers(attempts.forgotten(parts, attempt.state))


async def _carried_on(request: web.Request, attempt: Attempt, result: Code | CallbackError) -> Answer:
    flow = request.app[PARTS].flows.get(attempt.idp)
    if flow is None:
        return not_trusted(request, NotTrusted("idp_unknown"), idp=attempt.idp)
    if not request.app[PARTS].choosing.allows(attempt.idp):
        return not_allowed(request, attempt.idp, attempt.return_to)
    if isinstance(result, CallbackError):
        return await _refused(request, flow, attempt, result)
    if not await _is_first_use(request.app[PARTS], attempt):
        return not_trusted(request, NotTrusted("attempt_replayed"), idp=attempt.idp)
    try:
        return await _redeemed(request, flow, attempt, result)
    except NotTrusted as refusal:
        return not_trusted(request, refusal, idp=attempt.idp)


async def _is_first_use(parts: WebParts, attempt: Attempt) -> bool:
    """The store outlives the cookie: a replay is refused on every replica while the attempt could still be in time."""
    remembered = 2.0 * ATTEMPT_SECONDS
    return await parts.sessions.spend_attempt(
        attempts.state_hash(attempt.state), now=parts.clock(), seconds=remembered
    )


async def _refused(request: web.Request, flow: SignInFlow, attempt: Attempt, error: CallbackError) -> Answer:
    """The IdP's own error. A silent attempt, or one for another account, is followed by one that every IdP understands."""
    if error.code in _TROUBLE_CODES:
        return idp_failed(request, flow, Trouble(detail=error.code), attempt.return_to)
    if attempt.prompt in PLAINER and (attempt.is_silent or error.code != "access_denied"):
        plainer = PLAINER[attempt.prompt]
        return await go(request, flow, attempt.return_to, prompt=plainer, demand=attempt.demand)
    if error.code == _UNMET:
        return _told(request, UNPROVED, attempt, status=403, code=Reason.INSUFFICIENT_AUTHENTICATION.value)
    if error.code == "access_denied" or error.needs_browser:
        return _told(request, CANCELLED, attempt, status=403, code=error.code)
    return idp_failed(request, flow, Misconfigured(code=error.code), attempt.return_to)


async def _redeemed(request: web.Request, flow: SignInFlow, attempt: Attempt, code: Code) -> Answer:
    parts = request.app[PARTS]
    outcome = await flow.redeem(
        code, attempt, redirect_uri=parts.callback_url(attempt.idp), now=parts.clock()
    )
    match outcome:
        case Redeemed() if not _has_proved(attempt, outcome, parts.clock()):
            return await _unproved(request, flow, attempt, outcome)
        case Redeemed():
            return await _arrived(request, attempt, outcome)
        case Denied():
            return _told(request, DENIED, attempt, status=403, code=Reason.IDP_DENIED.value)
        case AskAgain(code=told):
            return _told(request, EXPIRED, attempt, status=400, code=told)
        case Trouble() | Misconfigured():
            return idp_failed(request, flow, outcome, attempt.return_to)
        case _:
            assert_never(outcome)


def _has_proved(attempt: Attempt, redeemed: Redeemed, now: float) -> bool:
    """OpenID Connect Core §3.1.3.7, 12 and 13: what was asked for must stand in the ID token."""
    return attempt.demand is None or attempt.demand.is_met(redeemed.authentication, now)


async def _unproved(request: web.Request, flow: SignInFlow, attempt: Attempt, redeemed: Redeemed) -> Answer:
    """An IdP that passed over what was asked is asked once more, to show its sign-in page; never in a circle.

    Whoever has a session keeps it as it is.
    """
    if attempt.prompt is Prompt.LOGIN:
        return _told(request, UNPROVED, attempt, status=403, code=Reason.INSUFFICIENT_AUTHENTICATION.value)
    return await go(
        request,
        flow,
        attempt.return_to,
        prompt=Prompt.LOGIN,
        login_hint=safe_hint(redeemed.identity.email),
        demand=attempt.demand,
    )


async def _arrived(request: web.Request, attempt: Attempt, redeemed: Redeemed) -> Answer:
    """The session is made before anything is told; its account may be ready, pending or refused: the gate says which."""
    parts = request.app[PARTS]
    earlier = await session_of(parts, request) if attempt.is_silent else None
    signed_in = await parts.arrive.sign_in(
        redeemed.identity,
        redeemed.tokens,
        idp_session=redeemed.idp_session,
        replaces=key_of(parts, request),
        continues=earlier,
        device=Device(peer=peer_of(request), user_agent=user_agent_of(request)),
        authentication=redeemed.authentication,
    )
    cookie = set_cookie(
        parts.site.cookie_name,
        signed_in.cookie.decode("ascii"),
        is_secure=parts.site.is_cookie_secure,
        max_age=parts.cookie_seconds,
    )
    remembered = kept(parts, attempt.idp)
    return redirect(parts.site.url(attempt.return_to)).with_headers(("Set-Cookie", cookie), *remembered)


def _told(request: web.Request, wording: Wording, attempt: Attempt, *, status: int, code: str) -> Answer:
    request.app[PARTS].journal.sign_in_failed(code, idp=attempt.idp, peer=peer_of(request))
    pages = request.app[PAGES]
    retry_to = pages.sign_in_address(
        attempt.return_to, attempt.demand.parameters() if attempt.demand else None
    )
    return pages.notice(wording, status=status, code=code, retry_to=retry_to, return_to=attempt.return_to)
