"""Real proxies ask Muster about each request and forward it themselves: nginx, Caddy, Envoy, by the configurations we ship."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from proxy.cli.doctor import examine
from proxy.cli.doctor_finding import Finding, Result
from proxy.reasons import Reason
from proxy.session.cookie import session_key
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import open_store
from tests.e2e import wire
from tests.e2e.idps import Demo, demo_idp
from tests.e2e.program import HOST, Muster, Ports, choose_ports
from tests.e2e.stack import COOKIE, idp_entry, session_value, write_secret
from tests.fakes.browser import Answer, Browser
from tests.fakes.edge import status_of
from tests.fakes.processes import Child
from tests.partners.proxies import FRONTS, Places, command_of

pytestmark = pytest.mark.partner
IDENTITY = ("x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username")


@dataclass
class EchoApp:
    """Says what it got, and counts."""

    port: int = 0
    heads: list[list[tuple[str, str]]] = field(default_factory=list)

    async def echo(self, request: web.Request) -> web.StreamResponse:
        headers = [(name.decode(), value.decode("latin-1")) for name, value in request.raw_headers]
        self.heads.append(headers)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.send_str(request.headers["X-Forwarded-User"])
            async for message in socket:
                await socket.send_str(message.data)
            return socket
        body = (await request.read()).decode("latin-1")
        got = {"method": request.method, "path": request.path_qs, "headers": headers, "body": body}
        return web.json_response(got)


@asynccontextmanager
async def echo_app() -> AsyncIterator[EchoApp]:
    app, application = EchoApp(), web.Application()
    application.router.add_route("*", "/{path:.*}", app.echo)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app.port = int(runner.addresses[0][1])
    try:
        yield app
    finally:
        await runner.cleanup()


@dataclass(kw_only=True)
class Scene:
    """A proxy that people come to, Muster beside it, and the app behind."""

    front: str
    idp: Demo
    app: EchoApp
    muster: Muster
    inner: int

    @property
    def page(self) -> str:
        return self.muster.url("/page?a=1")

    async def signed_in(self, browser: Browser) -> dict[str, Any]:
        page = await browser.go(self.page)
        return seen(await self.idp.answer(browser, "alice") if self.idp.asks(page) else page)

    async def raw(self, *lines: str, path: str = "/page") -> tuple[int, bytes]:
        """One request as these bytes; the answer to its end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.muster.ports.public)
        host = f"{HOST}:{self.muster.ports.public}"
        head = "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines, "", ""])
        try:
            writer.write(head.encode("latin-1"))
            async with asyncio.timeout(10):
                answer = await reader.read(-1)
        finally:
            writer.close()
        return status_of(answer), answer


def seen(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, (answer.status, answer.text[:500])
    found: dict[str, Any] = json.loads(answer.text)
    found["fields"] = {name.lower(): value for name, value in found["headers"]}
    return found


def configuration(idp: Demo, folder: Path, inner: int) -> dict[str, Any]:
    """Without `upstream`: the proxy alone knows the app."""
    write_secret(folder / "idp.secret", idp.secret)
    return {
        "listen": f"127.0.0.1:{inner}",
        "trusted_proxies": ["127.0.0.1"],
        "forward_auth": {"enabled": True},
        "idps": [idp_entry(idp)],
        "joining": {"domains": ["example.com"]},
        "headers": {"user_claim": "username", "groups_allowed": ["*"]},
        "open_paths": ["/open/*"],
    }


@asynccontextmanager
async def scene(front: str, folder: Path, **changes: Any) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        idp, app = await stack.enter_async_context(demo_idp()), await stack.enter_async_context(echo_app())
        ports, inner = choose_ports(), choose_ports().public
        places = Places(people=ports.public, muster=inner, app=app.port, host=HOST)
        stack.enter_context(Child(front, command_of(front, folder, places), folder=folder))
        muster = Muster(folder, ports, {**configuration(idp, folder, inner), **changes})
        await muster.start()
        stack.push_async_callback(asyncio.to_thread, muster.child.stop)
        yield Scene(front=front, idp=idp, app=app, muster=muster, inner=inner)


@pytest.fixture(params=list(FRONTS))
async def one(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(request.param, tmp_path) as running:
        yield running


async def signing_in(one: Scene, browser: Browser) -> None:
    """A navigation is sent to sign in and comes back; the app learns who it is."""
    first = await browser.go(one.page, follow=False)
    assert first.status == 303
    assert first.location.path == "/_muster/sign-in"
    assert first.location.query["return_to"] == "/page?a=1"
    got = await one.signed_in(browser)
    assert (got["method"], got["path"]) == ("GET", "/page?a=1")
    assert got["fields"]["x-forwarded-user"] == "alice"
    assert got["fields"]["x-forwarded-email"] == "alice@example.com"
    assert got["fields"]["x-forwarded-groups"] == "engineers"
    assert (await browser.fetch(one.page)).status == 200


async def bodies(one: Scene, browser: Browser) -> None:
    """They go past Muster."""
    for size in (3, 200_000):
        got = seen(await browser.fetch(one.page, method="POST", data=b"x" * size))
        assert (got["method"], len(got["body"])) == ("POST", size)
        assert got["fields"]["x-forwarded-user"] == "alice"


async def cookies(one: Scene, browser: Browser) -> None:
    """The app sees every one but ours, and no Authorization."""
    ours = f"{COOKIE}={session_value(browser)}"
    got = seen(
        await browser.fetch(one.page, headers={"Cookie": f"a=1; {ours}; b=2", "Authorization": "Basic eA=="})
    )
    assert got["fields"]["cookie"] == "a=1; b=2"
    assert "authorization" not in got["fields"]
    assert session_value(browser) not in json.dumps(got)
    alone = seen(await browser.fetch(one.page, headers={"Cookie": ours}))
    assert alone["fields"].get("cookie", "") == ""


SPELLINGS = (
    "X-Forwarded-User",
    "x-forwarded-user",
    "X-FORWARDED-USER",
    "X_Forwarded_User",
    "X-Forwarded_User",
    "X.Forwarded.User",
    "X~Forwarded~User",
    "X-Forwarded-Groups",
    "X-Forwarded-Email",
    "X_Forwarded_Groups",
)


async def forged_spellings(one: Scene, browser: Browser, path: str) -> None:
    """None reaches the app."""
    cookie = f"Cookie: {COOKIE}={session_value(browser)}"
    for spelling in SPELLINGS:
        one.app.heads.clear()
        status, _ = await one.raw(cookie, f"{spelling}: root", f"{spelling}: root", path=path)
        assert status in (200, 400), (spelling, status)
        assert "root" not in [value for head in one.app.heads for _, value in head], (one.front, spelling)


async def names_in_connection(one: Scene, browser: Browser) -> None:
    """It cannot name the identity away: the request is refused, or the identity is there."""
    cookie = f"Cookie: {COOKIE}={session_value(browser)}"
    for named in IDENTITY:
        one.app.heads.clear()
        await one.raw(cookie, f"Connection: close, {named}")
        users = [
            value for head in one.app.heads for name, value in head if name.lower() == "x-forwarded-user"
        ]
        assert users == ["alice"] * len(one.app.heads), (one.front, named)


async def strangers(one: Scene) -> None:
    """They get nowhere, whatever they say was asked."""
    forged = ("X-Original-Url: /open/x", "X-Forwarded-Uri: /open/x", "X-Forwarded-Method: OPTIONS")
    for path in (
        "/page",
        "/open/../page",
        "/open/%2e%2e/page",
        "/open/..//page",
        "/_muster/auth",
        "/_muster/auth/nginx",
    ):
        status, _ = await one.raw(*forged, path=path)
        assert status in (303, 400, 401, 403, 404), (path, status)
    status, answer = await one.raw("Content-Type: application/grpc")
    assert status in (401, 403) or b"grpc-status: 16" in answer, answer
    assert one.app.heads == []


async def open_paths(one: Scene) -> None:
    """They need no sign-in and say nobody."""
    status, _ = await one.raw("X-Forwarded-User: root", path="/open/x")
    assert status == 200
    assert {name.lower() for name, _ in one.app.heads[0]}.isdisjoint(IDENTITY)


async def doctor(one: Scene) -> dict[str, Finding]:
    """What `muster doctor` says of this proxy."""
    found = await asyncio.to_thread(examine, one.muster.config_file)
    return {one.check: one for one in found if one.check.startswith(("forward-auth", "public address"))}


async def forms_and_scripts(one: Scene, browser: Browser) -> None:
    """Each gets what it can read."""
    headers = {
        "Sec-Fetch-Mode": "navigate",
        "Accept": "text/html",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    page = await browser.fetch(one.page, method="POST", data=b"a=1", headers=headers)
    assert (page.status, "send it again" in page.text) == (401, True)
    script = await browser.fetch(one.page)
    assert (script.status, json.loads(script.text)["error"]) == (401, "not_signed_in")
    assert one.app.heads == []


async def an_ended_session(one: Scene, browser: Browser) -> None:
    """It is refused within a second."""
    assert (await browser.fetch(one.page)).status == 200
    key = session_key(session_value(browser).encode())
    assert key is not None
    folder = one.muster.folder
    store = open_store(folder / "muster.db", load_keyring(folder / "muster.keys"))
    try:
        await store.sessions.end([key], Reason.ENDED_BY_OPERATOR, time.time())
        ended_at = time.monotonic()
        while (await browser.fetch(one.page)).status == 200:
            assert time.monotonic() - ended_at < 2, "a quarter of a second, and a busy machine"
    finally:
        await store.close()


async def websockets(one: Scene, browser: Browser) -> None:
    """They open for a session, for a page of ours, and for no other."""
    host = f"{HOST}:{one.muster.ports.public}"
    url, cookie = f"http://127.0.0.1:{one.muster.ports.public}/ws", f"{COOKIE}={session_value(browser)}"
    async with aiohttp.ClientSession() as client:
        own = {"Host": host, "Cookie": cookie, "Origin": f"http://{host}"}
        async with client.ws_connect(url, headers=own) as socket:
            assert await socket.receive_str() == "alice"
            await socket.send_str("still there?")
            assert await socket.receive_str() == "still there?"
        for refused in ({**own, "Cookie": ""}, {**own, "Origin": "https://evil.example.net"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await client.ws_connect(url, headers=refused)
            assert refusal.value.status in (401, 403)


async def muster_away(one: Scene, browser: Browser) -> None:
    """Then nobody gets in."""
    one.app.heads.clear()
    await asyncio.to_thread(one.muster.child.kill)
    with contextlib.suppress(aiohttp.ClientError):
        assert (await browser.fetch(one.page)).status in (403, 500, 502, 503)
    assert one.app.heads == []


async def test_people_come_through_it_as_through_muster(one: Scene, browser: Browser) -> None:
    assert {finding.result for finding in (await doctor(one)).values()} == {Result.OK}
    await forms_and_scripts(one, browser)
    await open_paths(one)
    await signing_in(one, browser)
    await bodies(one, browser)
    await cookies(one, browser)


async def test_nobody_forges_anything_past_it(one: Scene, browser: Browser) -> None:
    await strangers(one)
    await one.signed_in(browser)
    await forged_spellings(one, browser, "/page")
    await forged_spellings(one, browser, "/open/page")
    await names_in_connection(one, browser)


async def test_what_the_session_opens_it_closes_and_without_muster_nothing_is_open(
    one: Scene, browser: Browser
) -> None:
    await one.signed_in(browser)
    await websockets(one, browser)
    await an_ended_session(one, browser)
    await one.signed_in(browser)
    await muster_away(one, browser)


@pytest.mark.parametrize("front", list(FRONTS))
async def test_the_doctor_says_that_a_proxy_is_not_believed(front: str, tmp_path: Path) -> None:
    async with scene(front, tmp_path, trusted_proxies=["192.0.2.7"]) as one:
        found = await doctor(one)
    asks = found["forward-auth: the proxy in front"]
    assert (asks.result, "is not believed" in asks.seen) == (Result.FAILED, True)
    assert found["forward-auth: Muster"].result is Result.OK
    assert one.app.heads == []


async def app_is_not_here(muster: Muster) -> None:
    """Whoever comes to Muster for the app hears that it is elsewhere; sign-in pages are there all the same."""
    script = await wire.send(muster, "Accept: application/json", request="GET /open/x HTTP/1.1")
    assert (script.status, script.json()["error"]) == (404, "no_upstream")
    page = await wire.send(
        muster, "Sec-Fetch-Mode: navigate", "Accept: text/html", request="GET /open/x HTTP/1.1"
    )
    assert (page.status, b"The app is not here" in page.body) == (404, True)
    ready = await wire.send(muster, request="GET /_muster/readyz HTTP/1.1")
    assert ready.json() == {"ready": True}


async def test_whoever_else_asks_is_refused_and_the_operator_reads_of_it(tmp_path: Path) -> None:
    async with demo_idp() as idp:
        ports: Ports = choose_ports()
        config = configuration(idp, tmp_path, ports.public)
        muster = Muster(tmp_path, ports, {**config, "trusted_proxies": ["192.0.2.7"]})
        await muster.start()
        try:
            async with aiohttp.ClientSession() as client:
                asked = {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/open/x", "X-Forwarded-Host": HOST}
                for path in (
                    "/_muster/auth",
                    "/_muster/auth/nginx",
                    "/_muster/auth/refusal",
                    "/_muster/auth/envoy/x",
                ):
                    async with client.get(f"http://127.0.0.1:{ports.public}{path}", headers=asked) as answer:
                        assert answer.status == 403
            assert muster.has_logged(Reason.UNTRUSTED_PROXY.value)
            await app_is_not_here(muster)
        finally:
            await asyncio.to_thread(muster.child.stop)
