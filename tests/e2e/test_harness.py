"""What the other tests here stand on: the browser keeps cookies as browsers do, children are reaped, the IdP works."""

import asyncio
import base64
import hashlib
import json
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from tests.e2e.apps import HAND_MADE
from tests.e2e.apps_redmine import real_redmine
from tests.e2e.relay import Relay
from tests.fakes.browser import Browser
from tests.fakes.cookie_jar import CookieJar, parse_set_cookie
from tests.fakes.processes import Child, ChildDied, until
from tests.partners.fixtures import oidc_provider
from tests.partners.oidc_provider import OidcProvider
from tests.partners.redmine import need_redmine

__all__ = ["oidc_provider"]

APP = URL("http://app.localhost:8080/")
CALLBACK = "http://app.localhost:1/callback"


# --- cookies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "field", "is_kept"),
    [
        ("http://app.localhost:8080/", "__Host-m=1; Path=/; Secure; HttpOnly", True),
        ("http://127.0.0.1:8080/", "__Host-m=1; Path=/; Secure", True),
        ("https://app.example/", "__Host-m=1; Path=/; Secure", True),
        ("http://app.example/", "__Host-m=1; Path=/; Secure", False),
        ("http://app.localhost/", "__Host-m=1; Path=/x; Secure", False),
        ("http://app.localhost/", "__Host-m=1; Path=/", False),
        ("http://app.localhost/", "__Host-m=1; Path=/; Secure; Domain=app.localhost", False),
        ("http://app.localhost/", "__Secure-m=1; Path=/", False),
        ("http://app.localhost/", "m=1; Domain=idp.localhost", False),
        ("http://app.localhost/", "m=1", True),
        ("http://app.localhost/", "=1", False),
        ("http://app.localhost/", "nonsense", False),
    ],
)
def test_a_cookie_is_kept_when_a_browser_would_keep_it(url: str, field: str, is_kept: bool) -> None:
    assert (parse_set_cookie(URL(url), field, time.time()) is not None) is is_kept


def test_cookies_ignore_ports_and_stay_with_their_host() -> None:
    jar = CookieJar()
    jar.store(APP, ["a=1; Path=/", "b=2; Path=/deep", "c=3; Path=/; SameSite=Strict"])
    every = frozenset({"strict", "lax", "none"})
    assert jar.header(URL("http://app.localhost:9/"), same_sites=every) == "a=1; c=3"
    assert jar.header(URL("http://app.localhost:9/deep/x"), same_sites=frozenset({"lax"})) == "b=2; a=1"
    assert jar.header(URL("http://idp.localhost:8080/"), same_sites=every) == ""


def test_an_expired_cookie_is_forgotten() -> None:
    jar = CookieJar()
    jar.store(APP, ["a=1; Path=/"])
    jar.store(APP, ["a=; Path=/; Max-Age=0"])
    assert jar.of_host("app.localhost") == ()


# --- children -------------------------------------------------------------------------------------------------------


async def test_a_child_that_dies_early_fails_with_what_it_wrote(tmp_path: Path) -> None:
    script = "import sys; print('no config', file=sys.stderr); sys.exit(2)"
    child = Child("dies", [sys.executable, "-c", script], folder=tmp_path)
    with pytest.raises(ChildDied, match=r"(?s)dies ended with 2.*no config"):
        await child.line(lambda line: line == "ready")
    child.stop()


async def test_a_killed_child_is_reaped(tmp_path: Path) -> None:
    child = Child(
        "sleeps",
        [sys.executable, "-c", "print('up', flush=True); input = __import__('signal').pause()"],
        folder=tmp_path,
    )
    assert await child.line(lambda line: line == "up") == "up"
    child.kill()
    assert child.exit_code == -signal.SIGKILL


async def test_waiting_ends_at_its_deadline(tmp_path: Path) -> None:
    with (
        Child("silent", [sys.executable, "-c", "__import__('signal').pause()"], folder=tmp_path) as child,
        pytest.raises(ChildDied, match="did not print"),
    ):
        await child.line(lambda line: line == "ready", seconds=0.1)


# --- the real IdP ---------------------------------------------------------------------------------------------------


class Client:
    """An OAuth client of a few lines, to try the partner without Muster."""

    def __init__(self, partner: OidcProvider, http: aiohttp.ClientSession) -> None:
        self.partner = partner
        self.http = http
        self.verifier = secrets.token_urlsafe(32)

    def authorize_url(self) -> URL:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return URL(f"{self.partner.issuer}/auth").with_query(
            client_id="app",
            response_type="code",
            redirect_uri=CALLBACK,
            scope="openid profile email groups",
            state="s",
            nonce="n",
            code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            code_challenge_method="S256",
        )

    async def token(self, *, secret: str = "secret", **fields: str) -> tuple[int, dict[str, Any]]:
        basic = base64.b64encode(f"app:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        async with self.http.post(f"{self.partner.issuer}/token", data=fields, headers=headers) as answer:
            return answer.status, await answer.json()

    async def refresh(self, token: str, **more: str) -> tuple[int, dict[str, Any]]:
        return await self.token(grant_type="refresh_token", refresh_token=token, **more)

    async def sign_in(self, login: str) -> dict[str, Any]:
        async with Browser() as browser:
            await browser.go(self.authorize_url())
            answer = await browser.submit(
                browser.page.form(), {"login": login, "password": "x"}, follow=False
            )
            while answer.status in {302, 303} and not str(answer.location).startswith(CALLBACK):
                answer = await browser.go(answer.location, follow=False, link=True)
            assert answer.location.query["iss"] == self.partner.issuer
            code = answer.location.query["code"]
        status, tokens = await self.token(
            grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=self.verifier
        )
        assert status == 200, tokens
        return tokens


def claims_of(tokens: dict[str, Any]) -> dict[str, Any]:
    payload = tokens["id_token"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


@pytest.fixture
async def client(oidc_provider: OidcProvider) -> Any:
    await oidc_provider.put_client("app", client_secret="secret", redirect_uris=[CALLBACK])
    await oidc_provider.put_person("alice", name="Alice", email="alice@example.com", groups=["engineers"])
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Client(oidc_provider, http)


@pytest.mark.partner
async def test_the_idp_rotates_refresh_tokens_and_states_the_groups_of_the_moment(client: Client) -> None:
    first = await client.sign_in("alice")
    assert claims_of(first)["groups"] == ["engineers"]
    await client.partner.put_person("alice", groups=["designers"])
    status, second = await client.refresh(first["refresh_token"])
    assert (status, claims_of(second)["groups"]) == (200, ["designers"])
    assert second["refresh_token"] != first["refresh_token"]
    await client.partner.put_person("alice", groups=None)
    _, third = await client.refresh(second["refresh_token"])
    assert "groups" not in claims_of(third)
    status, answer = await client.refresh(first["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")
    status, answer = await client.refresh(third["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant"), "reuse revokes the whole grant"


@pytest.mark.partner
async def test_a_suspended_person_gets_a_bare_invalid_grant_until_resumed(client: Client) -> None:
    tokens = await client.sign_in("alice")
    await client.partner.suspend("alice")
    status, answer = await client.refresh(tokens["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")
    await client.partner.resume("alice")
    status, _ = await client.refresh(tokens["refresh_token"])
    assert status == 200
    outcomes = [(call.grant_type, call.sub, call.outcome) for call in await client.partner.token_calls("app")]
    assert outcomes == [
        ("authorization_code", "alice", "ok"),
        ("refresh_token", None, "invalid_grant"),
        ("refresh_token", "alice", "ok"),
    ]


@pytest.mark.partner
async def test_a_suspended_person_stays_on_the_idps_page(client: Client) -> None:
    await client.partner.suspend("alice")
    async with Browser() as browser:
        await browser.go(client.authorize_url())
        page = await browser.submit(browser.page.form(), {"login": "alice", "password": "x"})
    assert page.status == 403
    assert 'id="refused"' in page.text


@pytest.mark.partner
async def test_a_rotated_secret_answers_invalid_client_and_logging_out_ends_the_grant(client: Client) -> None:
    tokens = await client.sign_in("alice")
    await client.partner.put_client("app", client_secret="another")
    status, answer = await client.refresh(tokens["refresh_token"])
    assert (status, answer["error"]) == (401, "invalid_client")
    status, tokens = await client.token(
        secret="another", grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert status == 200
    await client.partner.log_out("alice")
    status, answer = await client.token(
        secret="another", grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )
    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.partner
async def test_a_restarted_idp_knows_what_it_knew(client: Client) -> None:
    tokens = await client.sign_in("alice")
    client.partner.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.refresh(tokens["refresh_token"])
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.refresh(tokens["refresh_token"])
    client.partner.start()
    status, tokens = await client.refresh(tokens["refresh_token"])
    assert (status, claims_of(tokens)["sub"]) == (200, "alice")


async def test_until_says_what_was_awaited() -> None:
    with pytest.raises(AssertionError, match="the sun is up"):
        await until(lambda: False, 0.05, "the sun is up")
    await asyncio.wait_for(until(lambda: True, 1, "at once"), 1)


# --- the relay ------------------------------------------------------------------------------------------------------


async def _get(http: aiohttp.ClientSession, relay: Relay, path: str) -> int:
    async with http.get(f"http://{relay.address}{path}") as answer:
        await answer.read()
        return answer.status


@pytest.fixture
async def relayed() -> AsyncIterator[tuple[Relay, list[str]]]:
    """A relay in front of a small server, and the paths that the server was asked for."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.path)
        return web.Response(status=204)

    async with TestServer(answer_app(answer)) as server, Relay(f"{server.host}:{server.port}") as relay:
        yield relay, asked


def answer_app(answer: Any) -> web.Application:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


async def test_a_relay_passes_on_and_writes_down(relayed: tuple[Relay, list[str]]) -> None:
    relay, asked = relayed
    async with aiohttp.ClientSession() as http:
        assert await _get(http, relay, "/a?b=c") == 204
    assert asked == ["/a"]
    assert [(one.line, one.status) for one in relay.exchanges] == [("GET /a?b=c", 204)]


async def test_a_held_request_does_not_reach_the_target_and_others_do(
    relayed: tuple[Relay, list[str]],
) -> None:
    relay, asked = relayed
    hold = relay.hold(b"GET /held")
    async with aiohttp.ClientSession() as http:
        held = asyncio.ensure_future(_get(http, relay, "/held"))
        await hold.arrived()
        assert await _get(http, relay, "/other") == 204
        assert asked == ["/other"]
        hold.release()
        assert await held == 204
    assert asked == ["/other", "/held"]


async def test_a_dropped_request_never_reaches_the_target(relayed: tuple[Relay, list[str]]) -> None:
    relay, asked = relayed
    hold = relay.hold(b"")
    async with aiohttp.ClientSession() as http:
        held = asyncio.ensure_future(_get(http, relay, "/held"))
        await hold.arrived()
        hold.drop()
        with pytest.raises(aiohttp.ClientError):
            await held
    assert asked == []


async def test_a_held_answer_was_given_and_is_not_heard(relayed: tuple[Relay, list[str]]) -> None:
    relay, asked = relayed
    hold = relay.hold_answers(b"GET /held")
    async with aiohttp.ClientSession() as http:
        held = asyncio.ensure_future(_get(http, relay, "/held"))
        await hold.arrived()
        assert (asked, held.done()) == (["/held"], False)
        hold.release()
        assert await held == 204


# --- Redmine --------------------------------------------------------------------------------------------------------


@pytest.mark.partner
async def test_redmine_is_furnished_and_believes_the_header(tmp_path: Path) -> None:
    need_redmine()
    async with real_redmine(tmp_path) as app, Browser() as browser:
        accounts = {account.login: account for account in await app.accounts()}
        assert accounts["carol"].groups == {HAND_MADE}
        page = await browser.fetch(app.url + app.page, headers={"X-Forwarded-User": "carol"})
        assert app.shown(page) == "carol"
        assert app.identity(page) == {"X-Forwarded-User": ["carol"]}
        page = await browser.fetch(app.url + app.page, headers={"X-Forwarded-User": "nobody"})
        assert app.shown(page) is None
        assert (await app.pages(), await app.strangers()) == (2, 1)
        await app.join_by_hand("zoe", "Developers")
        assert (await app.accounts())[-1].groups == {HAND_MADE, "Developers"}
