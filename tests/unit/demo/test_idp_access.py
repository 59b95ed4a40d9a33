"""The demo IdP's access tokens, signed or opaque, and introspection of both."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from proxy.demo.idp import DemoIdp
from proxy.demo.idp_access import access_token
from proxy.demo.idp_grants import Grant

AUDIENCE = "https://app.example.com"


@pytest.fixture
async def idp() -> AsyncIterator[DemoIdp]:
    idp = DemoIdp(algorithm="ES256", access_audience=AUDIENCE)
    await idp.start()
    yield idp
    await idp.stop()


def grant(login: str = "alice") -> Grant:
    return Grant(id="g", login=login, scope="openid api", nonce=None, auth_time=0.0, sid="s")


async def asked(idp: DemoIdp, token: str, secret: str = "demo-secret") -> tuple[int, dict[str, Any]]:
    form = {"token": token, "client_id": "muster", "client_secret": secret}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{idp.issuer}/introspect", data=form) as answer,
    ):
        return answer.status, await answer.json()


async def test_with_an_audience_tokens_are_signed_and_say_what_they_are(idp: DemoIdp) -> None:
    token = access_token(idp.state, grant())
    keys = KeySet.import_key_set(idp.state.keys.published())
    read = jwt.decode(token, keys, algorithms=["ES256"])
    assert read.header["typ"] == "at+jwt"
    assert (read.claims["iss"], read.claims["aud"], read.claims["scope"]) == (
        idp.issuer,
        AUDIENCE,
        "openid api",
    )
    assert idp.state.grants.grant_of_access_token(token, idp.state.now()) is not None, "userinfo takes it too"


async def test_without_one_they_are_opaque(idp: DemoIdp) -> None:
    idp.state.options.access_audience = None
    assert "." not in access_token(idp.state, grant())


async def test_introspection_tells_what_is_good(idp: DemoIdp) -> None:
    token = access_token(idp.state, grant())
    status, said = await asked(idp, token)
    assert (status, said["active"], said["sub"]) == (200, True, idp.state.accounts["alice"].person.subject)
    idp.state.suspend("alice")
    assert await asked(idp, token) == (200, {"active": False})
    assert await asked(idp, "no token") == (200, {"active": False})
    assert idp.state.introspections == 3


async def test_only_the_client_may_ask(idp: DemoIdp) -> None:
    assert (await asked(idp, "t", secret="wrong"))[0] == 401
