"""`GET /_muster/frontchannel-logout?iss=…&sid=…`: an IdP's sign-out page loads this in a frame (Front-Channel Logout 1.0 §3).

Off unless the operator allows it for the IdP: nothing here is signed, so whoever knows a `sid` can end what it led to.
The cookie is not asked for: in a frame of another site it does not come (SameSite=Lax). Loading it again does nothing.
"""

from aiohttp import web

from proxy.reasons import Reason
from proxy.web.answers import Answer, frame_answer
from proxy.web.endpoint import PARTS
from proxy.web.leaving import origin_of
from proxy.web.parts import WebParts
from proxy.web.ports import SignInFlow
from proxy.web.visitor import peer_of


async def frontchannel_logout(request: web.Request) -> Answer:
    """200 whether or not anybody was signed in by that name; 400 without both names, or for an IdP that is not allowed to."""
    parts = request.app[PARTS]
    sid = _sole(request, "sid")
    flows = _allowed(parts, _sole(request, "iss"))
    if not flows or not sid:
        parts.journal.logout_refused("front_channel_refused", peer=peer_of(request))
        return frame_answer(400, "Nothing was done.", ())
    for flow in flows:
        ended = await parts.sessions.end_idp_session(
            flow.rules.id, sid, None, Reason.LOGGED_OUT_AT_IDP, parts.clock()
        )
        parts.journal.idp_logged_out(flow.rules.id, None, len(ended), channel="front")
    return frame_answer(200, "Signed out.", (origin_of(flows[0].rules.issuer),))


def _sole(request: web.Request, name: str) -> str | None:
    """A parameter that is there once."""
    values = request.query.getall(name, [])
    return values[0] if len(values) == 1 else None


def _allowed(parts: WebParts, issuer: str | None) -> list[SignInFlow]:
    return [
        flow
        for flow in parts.flows.values()
        if flow.rules.issuer == issuer and flow.rules.id in parts.leaving.front_channel
    ]
