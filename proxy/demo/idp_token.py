"""The demo IdP's back channel: metadata, keys, token endpoint, userinfo, revocation."""

import asyncio
from typing import Any

from aiohttp import web

from proxy.demo.idp_access import access_token
from proxy.demo.idp_authorize import STATE
from proxy.demo.idp_client import client_of, is_client
from proxy.demo.idp_grants import Fault, Grant
from proxy.demo.idp_keys import at_hash
from proxy.demo.idp_state import IdpState

NO_STORE = {"Cache-Control": "no-store"}


async def discovery(request: web.Request) -> web.Response:
    """OpenID Connect Discovery §3."""
    state = request.app[STATE]
    at = state.issuer
    return web.json_response(
        {
            "issuer": at,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "userinfo_endpoint": f"{at}/userinfo",
            "introspection_endpoint": f"{at}/introspect",
            "revocation_endpoint": f"{at}/revoke",
            "end_session_endpoint": f"{at}/end_session",
            "jwks_uri": f"{at}/jwks",
            "scopes_supported": ["openid", "profile", "email", "groups", "offline_access"],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [state.keys.algorithm],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "select_account"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


async def jwks(request: web.Request) -> web.Response:
    return web.json_response(request.app[STATE].keys.published())


def granted(state: IdpState, form: dict[str, str]) -> Grant | Fault:
    """The grant that a token request may have tokens from. Spends a code; spends no refresh token yet."""
    match form.get("grant_type"):
        case "authorization_code":
            grant = state.grants.redeem(
                form.get("code", ""),
                verifier=form.get("code_verifier", ""),
                redirect_uri=form.get("redirect_uri", ""),
                now=state.now(),
            )
        case "refresh_token":
            grant = state.grants.grant_of_refresh_token(form.get("refresh_token", ""), state.now())
        case _:
            return Fault(error="unsupported_grant_type")
    if isinstance(grant, Grant) and state.accounts[grant.login].is_suspended:
        return Fault(error="invalid_grant", description=state.options.denied_marker or "")
    return grant


def id_token(state: IdpState, grant: Grant, access: str) -> str:
    now = int(state.now())
    claims: dict[str, Any] = {
        **state.accounts[grant.login].claims(),
        "iss": state.issuer,
        "aud": state.options.client_id,
        "iat": now,
        "exp": now + int(state.options.id_token_life),
        "sid": grant.sid,
        "at_hash": at_hash(access),
    }
    auth_time = int(grant.auth_time) if state.options.states_auth_time else None
    said = {"nonce": grant.nonce, "acr": grant.acr, "auth_time": auth_time}
    return state.keys.sign({**claims, **{name: value for name, value in said.items() if value is not None}})


def issue(state: IdpState, grant: Grant, *, is_refresh: bool) -> dict[str, Any]:
    """The token answer; rotates the refresh token."""
    options, now = state.options, state.now()
    token = access_token(state, grant)
    answer: dict[str, Any] = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(options.access_life),
        "scope": grant.scope,
    }
    if not is_refresh or options.refresh_has_id_token:
        answer["id_token"] = id_token(state, grant, token)
    if options.issues_refresh_tokens and (options.rotates_refresh_tokens or not is_refresh):
        life = options.refresh_life
        answer["refresh_token"] = state.grants.issue_refresh_token(
            grant, None if life is None else now + life
        )
        if life is not None:
            answer["refresh_expires_in"] = int(life)
    return answer


async def token(request: web.Request) -> web.Response:
    """POST /token."""
    state = request.app[STATE]
    form = {name: str(value) for name, value in (await request.post()).items()}
    if not is_client(state, *client_of(request, form)):
        answer: Grant | Fault = Fault(
            error="invalid_client", description="Client authentication failed", status=401
        )
    else:
        answer = granted(state, form)
    grant_type = form.get("grant_type", "")
    state.count(grant_type, answer)
    body = (
        answer.as_json()
        if isinstance(answer, Fault)
        else issue(state, answer, is_refresh=grant_type != "authorization_code")
    )
    await asyncio.sleep(state.options.token_delay)
    if not isinstance(answer, Fault):
        return web.json_response(body, headers=NO_STORE)
    challenge = {"WWW-Authenticate": 'Basic realm="demo"'} if answer.status == 401 else {}
    return web.json_response(body, status=answer.status, headers={**NO_STORE, **challenge})


async def userinfo(request: web.Request) -> web.Response:
    """GET or POST /userinfo with a bearer access token."""
    state = request.app[STATE]
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    grant = state.grants.grant_of_access_token(bearer, state.now())
    if grant is None or state.accounts[grant.login].is_suspended:
        return web.json_response(
            {"error": "invalid_token"},
            status=401,
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return web.json_response(state.accounts[grant.login].claims(), headers=NO_STORE)


async def revoke(request: web.Request) -> web.Response:
    """POST /revoke (RFC 7009)."""
    state = request.app[STATE]
    form = {name: str(value) for name, value in (await request.post()).items()}
    if not is_client(state, *client_of(request, form)):
        return web.json_response(Fault(error="invalid_client").as_json(), status=401)
    state.grants.revoke(form.get("token", ""))
    return web.Response(status=200)
