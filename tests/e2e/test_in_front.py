"""A real nginx ends the connection in front of Muster, by the configuration we ship: the client is named, and bodies pass."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.e2e.idps import Demo, demo_idp
from tests.e2e.program import HOST, Muster, choose_ports
from tests.e2e.stack import COOKIE, idp_entry, session_value, write_secret
from tests.fakes.browser import Browser
from tests.fakes.processes import Child
from tests.partners.environments import Missing
from tests.partners.proxies import Places, nginx_in_front

pytestmark = pytest.mark.partner
ELSEWHERE = "203.0.113.9"
BODY = 3 * 1024 * 1024


class App:
    """Echoes, streams until it is told to end, and talks by WebSocket."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/events":
            return await self._stream(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._talk(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        return web.json_response({"headers": headers, "size": len(await request.read())})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b"data: 1\n\n")
        await self.may_end.wait()
        await stream.write(b"data: 2\n\n")
        return stream

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket


@dataclass(kw_only=True)
class Scene:
    """nginx, Muster behind it, and the app behind that; `port` is nginx's."""

    idp: Demo
    app: App
    muster: Muster
    port: int

    async def cookie(self, browser: Browser) -> str:
        page = await browser.go(self.muster.url("/page"))
        page = await self.idp.answer(browser, "alice") if self.idp.asks(page) else page
        assert page.status == 200, page.text[:500]
        return f"{COOKIE}={session_value(browser)}"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        idp, app, application = (
            await stack.enter_async_context(demo_idp()),
            App(),
            web.Application(client_max_size=2 * BODY),
        )
        application.router.add_route("*", "/{path:.*}", app.answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports, inner = choose_ports(), choose_ports().public
        places = Places(people=ports.public, muster=inner, app=0, host=HOST)
        try:
            command = nginx_in_front(tmp_path, places)
        except Missing as missing:
            pytest.skip(f"missing: {missing}")
        stack.enter_context(Child("nginx", command, folder=tmp_path))
        write_secret(tmp_path / "idp.secret", idp.secret)
        configuration = {
            "listen": f"127.0.0.1:{inner}",
            "trusted_proxies": ["127.0.0.1"],
            "upstream": {"url": f"http://127.0.0.1:{runner.addresses[0][1]}"},
            "idps": [idp_entry(idp)],
            "joining": {"domains": ["example.com"]},
            "headers": {"user_claim": "username"},
        }
        muster = Muster(tmp_path, ports, configuration)
        await muster.start()
        stack.push_async_callback(asyncio.to_thread, muster.child.stop)
        yield Scene(idp=idp, app=app, muster=muster, port=ports.public)


async def test_people_and_their_streams_pass_as_they_come(scene: Scene) -> None:
    url = f"http://127.0.0.1:{scene.port}"
    async with Browser() as browser, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        fields = {"Host": f"{HOST}:{scene.port}", "Cookie": await scene.cookie(browser)}
        forged = {"X-Forwarded-For": ELSEWHERE, "Forwarded": f"for={ELSEWHERE}", "X-Forwarded-User": "root"}

        # A body larger than what nginx takes unasked; nobody is believed about the client but nginx.
        async with http.post(
            f"{url}/page", headers={**fields, **forged}, data=io.BytesIO(b"x" * BODY)
        ) as answer:
            got = json.loads(await answer.text())
        assert got["size"] == BODY
        assert got["headers"]["x-forwarded-user"] == "alice"
        assert got["headers"]["x-forwarded-for"] == "127.0.0.1, 127.0.0.1"
        assert got["headers"]["forwarded"].startswith("for=127.0.0.1;host=")
        assert ELSEWHERE not in str(got)

        # The first event is there while the stream has not ended.
        async with http.get(f"{url}/events", headers=fields) as answer, asyncio.timeout(20):
            assert await answer.content.readuntil(b"\n\n") == b"data: 1\n\n"
            scene.app.may_end.set()
            assert await answer.content.read() == b"data: 2\n\n"

        page = {"Origin": scene.muster.ports.public_url}
        async with http.ws_connect(f"{url}/talk", headers={**fields, **page}) as socket, asyncio.timeout(20):
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello"
