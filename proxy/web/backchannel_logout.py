"""`POST /_muster/backchannel-logout`: an IdP says that it signed somebody out (OpenID Connect Back-Channel Logout 1.0 §2.5–2.8).

The token is the only proof, so no cookie and no form token is asked for. Sessions end at once, with their tunnels and running
streams; nobody is archived and no timer starts: signing out is not leaving. Refresh tokens are forgotten with the session.
A `jti` is remembered before anything ends, and for as long as its token is good: what was presented once does nothing again.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from proxy.errors import NotTrusted, Unavailable
from proxy.identity import IdpId
from proxy.oidc.documents import Unready
from proxy.oidc.logout import MOST_TOKEN, LogoutToken
from proxy.oidc.tokens import stated_claims
from proxy.reasons import Reason
from proxy.session.model import Misconfigured, SessionKey, Trouble
from proxy.web.answers import Answer, json_answer
from proxy.web.endpoint import PARTS
from proxy.web.forms import read_form
from proxy.web.parts import WebParts
from proxy.web.ports import SignInFlow
from proxy.web.visitor import peer_of

FIELD: Final = "logout_token"
PAUSES: Final = (0.1, 0.5, 2.0)
"""Seconds between attempts to end what a token names, once its `jti` is spent: it cannot be presented again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proved:
    """A token and the IdP whose keys it passed."""

    flow: SignInFlow
    token: LogoutToken


async def backchannel_logout(request: web.Request) -> Answer:
    """200 when nobody of that name is signed in here (any more); 400 otherwise, as §2.8 says, with a code and no more."""
    parts, peer = request.app[PARTS], peer_of(request)
    try:
        proved = await _proved(parts, await _presented(request))
        if isinstance(proved, Trouble | Misconfigured):
            return _later(parts, proved.detail if isinstance(proved, Trouble) else proved.code, peer)
        ended = await _carried_out(parts, proved)
    except NotTrusted as refusal:
        parts.journal.logout_refused(refusal.code, peer=peer)
        return json_answer(400, {"error": "invalid_request"})
    except Unavailable:
        return _later(parts, Reason.STORE_UNAVAILABLE.value, peer)
    parts.journal.idp_logged_out(proved.flow.rules.id, proved.token.subject, len(ended), channel="back")
    return json_answer(200, {})


def _later(parts: WebParts, code: str, peer: str) -> Answer:
    """The logout failed, which is 400 (§2.8); the code and Retry-After say that the same may succeed in a while."""
    parts.journal.logout_refused(code, peer=peer)
    return json_answer(400, {"error": "temporarily_unavailable"}).with_headers(("Retry-After", "5"))


async def _presented(request: web.Request) -> str:
    """The token out of the form. Raises NotTrusted for a request that holds none, or two, or one too long."""
    try:
        form = await read_form(request)
    except web.HTTPException:  # a body over the limit
        form = None
    values = [] if form is None else form.getall(FIELD, [])
    if len(values) != 1:
        raise NotTrusted("token_missing")
    if len(values[0]) > MOST_TOKEN:
        raise NotTrusted("token_malformed")
    return values[0]


async def _proved(parts: WebParts, presented: str) -> _Proved | Unready:
    """Whose token it is, and what it says; a fault where the keys to judge it by cannot be had.

    One issuer may stand in the configuration with several clients.
    """
    issuer = stated_claims(presented).get("iss")
    refusal = NotTrusted("issuer_unknown")
    for flow in parts.flows.values():
        if flow.rules.issuer == issuer:
            try:
                token = await flow.logged_out(presented, parts.clock())
            except NotTrusted as refused:
                refusal = refused
            else:
                return _Proved(flow=flow, token=token) if isinstance(token, LogoutToken) else token
    raise refusal


async def _carried_out(parts: WebParts, proved: _Proved) -> Sequence[SessionKey]:
    now, token, rules = parts.clock(), proved.token, proved.flow.rules
    name = f"logout\x00{rules.issuer}\x00{token.jti}".encode("utf-8", "surrogatepass")
    spent = hashlib.sha256(name).hexdigest()
    if not await parts.sessions.spend_attempt(spent, now=now, seconds=token.good_until - now):
        raise NotTrusted("logout_replayed")
    for pause in PAUSES:
        try:
            return await _ended(parts, rules.id, token)
        except Unavailable:
            await asyncio.sleep(pause)
    return await _ended(parts, rules.id, token)


async def _ended(parts: WebParts, idp: IdpId, token: LogoutToken) -> Sequence[SessionKey]:
    """With a `sid` that session's, without one all of the person's (§2.4)."""
    now, reason = parts.clock(), Reason.LOGGED_OUT_AT_IDP
    if token.sid is not None:
        return await parts.sessions.end_idp_session(idp, token.sid, token.subject, reason, now)
    assert token.subject is not None, "a logout token names a person or a session"
    return await parts.sessions.end_subject(token.subject, reason, now)
