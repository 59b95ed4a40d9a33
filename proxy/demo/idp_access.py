"""The demo IdP's access tokens: opaque ones, or signed JWTs (RFC 9068), and introspection of both (RFC 7662)."""

import secrets
from typing import Any

from aiohttp import web

from proxy.demo.idp_authorize import STATE
from proxy.demo.idp_client import client_of, is_client
from proxy.demo.idp_grants import Grant
from proxy.demo.idp_state import IdpState


def access_token(state: IdpState, grant: Grant) -> str:
    """A new access token of this grant; a JWT where the options name an audience."""
    options, now = state.options, state.now()
    token = None
    if options.access_audience is not None:
        times = {"iat": int(now), "exp": int(now + options.access_life), "jti": secrets.token_hex(8)}
        token = state.keys.sign({**stated(state, grant), **times}, typ="at+jwt")
    return state.grants.issue_access_token(grant, now + options.access_life, token)


def stated(state: IdpState, grant: Grant) -> dict[str, Any]:
    """What an access token of this grant says, or introspection of it."""
    audience = {} if state.options.access_audience is None else {"aud": state.options.access_audience}
    return {
        **state.accounts[grant.login].claims(),
        **audience,
        "iss": state.issuer,
        "client_id": state.options.client_id,
        "scope": grant.scope,
    }


async def introspect(request: web.Request) -> web.Response:
    """POST /introspect."""
    state = request.app[STATE]
    form = {name: str(value) for name, value in (await request.post()).items()}
    if not is_client(state, *client_of(request, form)):
        return web.json_response({"error": "invalid_client"}, status=401)
    state.introspections += 1
    found = state.grants.access_of(form.get("token", ""), state.now())
    if found is None or state.accounts[found[0].login].is_suspended:
        return web.json_response({"active": False})
    grant, expires_at = found
    return web.json_response(
        {**stated(state, grant), "active": True, "token_type": "Bearer", "exp": int(expires_at)}
    )
