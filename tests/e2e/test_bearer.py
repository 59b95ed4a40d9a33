"""Clients without a browser: a bearer token is judged by the rules that hold for people, and ends when the person does."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from proxy.demo.idp_access import access_token
from proxy.demo.idp_grants import Grant
from proxy.demo.idp_token import id_token
from tests.e2e.conftest import System
from tests.e2e.idps import Demo
from tests.e2e.program import HOST
from tests.e2e.stack import IDP_ID, Stack
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser

AUDIENCE = "https://app.example.com"
SIGNED = [{"idp": IDP_ID, "audiences": [AUDIENCE]}]


def introspected(idp: str, kept: str = "5m") -> list[dict[str, Any]]:
    asked = {
        "url": f"{idp}/introspect",
        "client_id": "muster",
        "client_secret": {"file": "idp.secret"},
        "kept": kept,
    }
    return [{"idp": IDP_ID, "audiences": [AUDIENCE], "introspection": asked}]


class Client:
    """A program that was given an access token."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession) -> None:
        self.stack = stack
        self.http = http
        assert isinstance(stack.idp, Demo)
        self.idp = stack.idp.state
        self.idp.options.access_audience = AUDIENCE

    def grant(self, login: str) -> Grant:
        return Grant(
            id=secrets.token_hex(4),
            login=login,
            scope="openid api",
            nonce="n",
            auth_time=time.time(),
            sid=secrets.token_hex(4),
        )

    def signed(self, login: str = "alice") -> str:
        return access_token(self.idp, self.grant(login))

    def opaque(self, login: str = "alice") -> str:
        return self.idp.grants.issue_access_token(self.grant(login), time.time() + 300)

    async def ask(self, authorization: str, path: str = "/headers", **headers: str) -> tuple[int, Any, Any]:
        """Status, the JSON that came, and the answer's fields; a redirect is never followed."""
        url = f"http://127.0.0.1:{self.stack.muster.ports.public}{path}"
        fields = {
            "Host": f"{HOST}:{self.stack.muster.ports.public}",
            "Authorization": authorization,
            **headers,
        }
        async with self.http.get(url, headers=fields, allow_redirects=False) as answer:
            is_ours = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_ours else {}, answer.headers

    async def show(self, token: str) -> tuple[int, Any, Any]:
        return await self.ask(f"Bearer {token}")


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


async def creations(stack: Stack) -> int:
    return await stack.app.creations()


async def test_twenty_first_requests_with_one_signed_token_make_one_account(
    demo: System, http: aiohttp.ClientSession
) -> None:
    async with demo(bearer=SIGNED) as stack:
        client = Client(stack, http)
        token = client.signed()
        answers = await asyncio.gather(*(client.show(token) for _ in range(20)))
        assert [status for status, _, _ in answers] == [200] * 20
        shown = answers[0][1]
        assert (shown["account"]["login"], shown["groups"]) == ("alice", ["Developers"])
        names = {name.lower() for name, _ in shown["headers"]}
        assert "x-forwarded-user" in names
        assert "authorization" not in names, "the app never sees the token"
        assert await creations(stack) == 1
        # Another token of the same person is the same account, by the binding.
        assert (await client.show(client.signed()))[1]["account"] == shown["account"]
        assert await creations(stack) == 1


async def test_twenty_first_requests_with_one_opaque_token_ask_once(
    demo: System, http: aiohttp.ClientSession
) -> None:
    async with demo_introspecting(demo) as stack:
        client = Client(stack, http)
        token = client.opaque()
        answers = await asyncio.gather(*(client.show(token) for _ in range(20)))
        assert [status for status, _, _ in answers] == [200] * 20
        assert client.idp.introspections == 1
        assert await creations(stack) == 1
        assert (await client.show(token))[0] == 200
        assert client.idp.introspections == 1


async def test_what_is_no_access_token_of_ours_is_401_and_never_a_redirect(
    demo: System, http: aiohttp.ClientSession
) -> None:
    async with demo(bearer=SIGNED) as stack:
        client = Client(stack, http)
        good = client.signed()
        head, body, signature = good.split(".")
        forged = f"{head}.{body}.{signature[:-6]}AAAAAA"
        other = id_token(client.idp, client.grant("alice"), "access")
        client.idp.options.access_audience = "https://elsewhere.example.com"
        for token in (forged, other, client.signed(), "opaque"):
            status, said, fields = await client.ask(f"Bearer {token}", **{"Sec-Fetch-Mode": "navigate"})
            assert (status, said["error"]) == (401, "bearer_invalid")
            assert 'error="invalid_token"' in fields["WWW-Authenticate"]
        status, said, _ = await client.ask("Bearer not a token")
        assert (status, said["error"]) == (400, "bearer_malformed")
        assert await creations(stack) == 0


async def test_a_silent_issuer_is_503_and_ends_nothing(demo: System, http: aiohttp.ClientSession) -> None:
    async with demo_introspecting(demo, kept="1s") as stack:
        client = Client(stack, http)
        token = client.opaque()
        assert (await client.show(token))[0] == 200
        await stack.idp.stop()

        async def status() -> int:
            code, _, fields = await client.show(token)
            assert code in (200, 503)
            assert code == 200 or int(fields["Retry-After"]) > 0
            return code

        await eventually(status, lambda code: code == 503, within=10, what="the issuer is missed")
        await stack.idp.start()
        await eventually(status, lambda code: code == 200, within=10, what="served again")


async def test_a_revoked_token_stops_within_what_an_answer_is_kept(
    demo: System, http: aiohttp.ClientSession
) -> None:
    async with demo_introspecting(demo, kept="1s") as stack:
        client = Client(stack, http)
        token = client.opaque()
        assert (await client.show(token))[0] == 200
        client.idp.grants.revoke(token)

        async def status() -> int:
            return (await client.show(token))[0]

        await eventually(status, lambda code: code == 401, within=5, what="401")


async def test_a_removed_persons_tokens_stop_at_once_also_those_never_shown_before(
    demo: System, http: aiohttp.ClientSession, browser: Browser
) -> None:
    async with demo(bearer=SIGNED) as stack:
        client = Client(stack, http)
        used, unused = client.signed(), client.signed()
        await stack.sign_in(browser, "alice")
        assert (await client.show(used))[0] == 200
        await stack.idp.suspend("alice")
        await stack.signed_out(browser)
        await eventually(
            lambda: client.show(used),
            lambda answer: answer[1].get("error") == "idp_denied",
            within=1,
            what="the shown token stops",
        )
        status_of_unused, said, _ = await client.show(unused)
        assert (status_of_unused, said["error"]) == (403, "idp_denied")
        # Nor does a token that the IdP signs later bring anybody back: that takes a sign-in.
        assert (await client.show(client.signed()))[0] == 403
        await stack.idp.resume("alice")
        await stack.sign_in(browser, "alice")
        await eventually(
            lambda: client.show(client.signed()), lambda answer: answer[0] == 200, within=10, what="back"
        )
        assert (await client.show(used))[0] in (401, 403), (
            "a token whose session was ended is not taken again"
        )


async def test_the_cookie_goes_first(demo: System, http: aiohttp.ClientSession, browser: Browser) -> None:
    async with demo(bearer=SIGNED) as stack:
        client = Client(stack, http)
        await stack.sign_in(browser, "bob")
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.jar.of_host(HOST))
        _, said, _ = await client.ask(f"Bearer {client.signed('alice')}", Cookie=cookie)
        assert said["account"]["login"] == "bob"


def demo_introspecting(demo: System, kept: str = "5m") -> Any:
    """The system whose IdP is asked about opaque tokens, through the relay that Muster knows it by."""
    return demo(bearer=lambda idp: introspected(idp.issuer, kept))
