import base64
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from proxy.demo.idp import DemoIdp
from proxy.demo.idp_grants import challenge_of

VERIFIER = "v" * 43
BACK = "http://127.0.0.1:1/back"


@pytest.fixture
async def idp() -> AsyncIterator[DemoIdp]:
    idp = DemoIdp(algorithm="ES256")
    await idp.start()
    yield idp
    await idp.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


async def call(
    http: aiohttp.ClientSession, idp: DemoIdp, *, secret: str = "demo-secret", **form: str
) -> tuple[int, dict[str, Any]]:
    auth = _basic(secret)
    async with http.post(f"{idp.issuer}/token", data=form, headers={"Authorization": auth}) as answer:
        return answer.status, await answer.json()


def _basic(secret: str) -> str:
    return "Basic " + base64.b64encode(f"muster:{secret}".encode()).decode()


def _code(idp: DemoIdp, login: str = "alice") -> str:
    _, visit = idp.state.grants.sign_in(login, time.time())
    return idp.state.grants.issue_code(
        visit,
        scope="openid",
        nonce="n1",
        redirect_uri=BACK,
        challenge=challenge_of(VERIFIER),
        expires_at=time.time() + 60,
    )


async def sign_in(http: aiohttp.ClientSession, idp: DemoIdp) -> dict[str, Any]:
    status, tokens = await call(
        http, idp, grant_type="authorization_code", code=_code(idp), code_verifier=VERIFIER, redirect_uri=BACK
    )
    assert status == 200, tokens
    return tokens


async def refresh(http: aiohttp.ClientSession, idp: DemoIdp, token: str) -> tuple[int, dict[str, Any]]:
    return await call(http, idp, grant_type="refresh_token", refresh_token=token)


def claims(idp: DemoIdp, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(idp.state.keys.published())
    return jwt.decode(token, keys, algorithms=["ES256"]).claims


async def test_discovery_names_endpoints_under_the_issuer(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{idp.issuer}/.well-known/openid-configuration") as answer:
        told = await answer.json()
    assert told["issuer"] == idp.issuer
    assert all(told[name].startswith(idp.issuer) for name in told if name.endswith(("_endpoint", "_uri")))
    async with http.get(told["jwks_uri"]) as answer:
        assert (await answer.json())["keys"]


async def test_a_code_gives_an_id_token_about_the_person(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    said = claims(idp, (await sign_in(http, idp))["id_token"])
    assert said["sub"] == "person-alice"
    assert said["groups"] == ["engineers"]
    assert (said["iss"], said["aud"], said["nonce"]) == (idp.issuer, "muster", "n1")
    assert said["exp"] > said["iat"]


async def test_a_refresh_states_the_groups_of_that_moment(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    tokens = await sign_in(http, idp)
    idp.state.accounts["alice"].groups = ("designers",)
    status, renewed = await refresh(http, idp, tokens["refresh_token"])
    assert status == 200
    assert claims(idp, renewed["id_token"])["groups"] == ["designers"]
    assert renewed["refresh_token"] != tokens["refresh_token"]


async def test_a_spent_refresh_token_kills_the_grant(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    tokens = await sign_in(http, idp)
    _, renewed = await refresh(http, idp, tokens["refresh_token"])
    assert (await refresh(http, idp, tokens["refresh_token"]))[0] == 400
    assert (await refresh(http, idp, renewed["refresh_token"]))[1]["error"] == "invalid_grant"


async def test_a_suspended_person_is_named_with_a_marker_and_nothing_is_spent(
    idp: DemoIdp, http: aiohttp.ClientSession
) -> None:
    tokens = await sign_in(http, idp)
    idp.state.suspend("alice")
    status, answer = await refresh(http, idp, tokens["refresh_token"])
    assert (status, answer) == (400, {"error": "invalid_grant", "error_description": "User disabled"})
    idp.state.accounts["alice"].is_suspended = False
    assert (await refresh(http, idp, tokens["refresh_token"]))[0] == 200


async def test_without_a_marker_the_answer_is_bare(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    tokens = await sign_in(http, idp)
    idp.state.suspend("alice")
    idp.state.options.denied_marker = None
    assert (await refresh(http, idp, tokens["refresh_token"]))[1] == {"error": "invalid_grant"}


async def test_another_secret_is_invalid_client(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    tokens = await sign_in(http, idp)
    idp.state.options.client_secret = "rotated"
    status, answer = await refresh(http, idp, tokens["refresh_token"])
    assert (status, answer["error"]) == (401, "invalid_client")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await call(http, idp, secret="rotated", **form))[0] == 200


async def test_the_secret_may_come_in_the_form(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    form = {"grant_type": "x", "client_id": "muster", "client_secret": "demo-secret"}
    async with http.post(f"{idp.issuer}/token", data=form) as answer:
        assert (await answer.json())["error"] == "unsupported_grant_type"


@pytest.mark.parametrize("header", ["Basic !!!", "Basic " + base64.b64encode(b"\xff").decode(), "Bearer x"])
async def test_a_malformed_client_is_invalid_client(
    idp: DemoIdp, http: aiohttp.ClientSession, header: str
) -> None:
    async with http.post(f"{idp.issuer}/token", data={}, headers={"Authorization": header}) as answer:
        assert answer.status == 401


async def test_rotation_and_id_tokens_can_be_switched_off(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    idp.state.options.rotates_refresh_tokens = False
    idp.state.options.refresh_has_id_token = False
    tokens = await sign_in(http, idp)
    for _ in range(2):
        _, renewed = await refresh(http, idp, tokens["refresh_token"])
        assert renewed.keys() == {"access_token", "token_type", "expires_in", "scope"}


async def test_refresh_tokens_can_be_withheld_or_limited(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    idp.state.options.refresh_life = 60.0
    assert (await sign_in(http, idp))["refresh_expires_in"] == 60
    idp.state.options.issues_refresh_tokens = False
    assert "refresh_token" not in await sign_in(http, idp)


async def test_userinfo_answers_the_bearer_and_nobody_else(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    tokens = await sign_in(http, idp)
    url, bearer = f"{idp.issuer}/userinfo", {"Authorization": f"Bearer {tokens['access_token']}"}
    async with http.get(url, headers=bearer) as answer:
        assert (await answer.json())["email"] == "alice@example.com"
    async with http.get(url) as answer:
        assert answer.status == 401
    idp.state.suspend("alice")
    async with http.get(url, headers=bearer) as answer:
        assert answer.status == 401


async def test_a_revoked_refresh_token_no_longer_works(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    tokens = await sign_in(http, idp)
    form = {"token": tokens["refresh_token"], "client_id": "muster", "client_secret": "demo-secret"}
    async with http.post(f"{idp.issuer}/revoke", data={**form, "client_secret": "no"}) as answer:
        assert answer.status == 401
    async with http.post(f"{idp.issuer}/revoke", data=form) as answer:
        assert answer.status == 200
    assert (await refresh(http, idp, tokens["refresh_token"]))[0] == 400


async def test_token_calls_are_counted(idp: DemoIdp, http: aiohttp.ClientSession) -> None:
    tokens = await sign_in(http, idp)
    await refresh(http, idp, tokens["refresh_token"])
    assert idp.state.statistics()["answers"] == {"authorization_code ok": 1, "refresh_token ok": 1}
