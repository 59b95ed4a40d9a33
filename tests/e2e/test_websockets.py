"""WebSockets through the whole program: opened in a session, in use while open, and cut when the session ends anywhere."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from proxy.reasons import Reason
from proxy.session.cookie import new_cookie, session_key
from proxy.session.model import Ready, SessionKey
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store
from tests.e2e.program import HOST, Muster, choose_ports
from tests.fakes.people import session


@asynccontextmanager
async def echo_app() -> AsyncIterator[int]:
    """Says who is there, then sends back what it gets."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        answers = web.WebSocketResponse()
        await answers.prepare(request)
        await answers.send_str(request.headers["X-Forwarded-User"])
        async for message in answers:
            await answers.send_str(message.data)
        return answers

    application = web.Application()
    application.router.add_get("/ws", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def alice_signed_in(
    folder: Path, app: int
) -> AsyncIterator[tuple[Muster, SqliteStore, SessionKey, str]]:
    """Muster before that app, with a session of Alice, and the store as another process sees it."""
    cookie, now = new_cookie(b"a" * 32), time.time()
    key = session_key(cookie.encode())
    assert key is not None
    store = open_store(folder / "muster.db", load_keyring(folder / "muster.keys"))
    made = replace(session(), key=key, account=Ready(login="alice"), created_at=now, last_seen_at=now)
    await store.sessions.create(replace(made, refreshed_at=now, due_at=now + 3600))
    muster = Muster(
        folder,
        choose_ports(),
        {
            "upstream": {"url": f"http://127.0.0.1:{app}"},
            "idps": [{"id": "corp", "issuer": "http://127.0.0.1:9", "client_id": "muster"}],
            "headers": {"user_claim": "username"},
        },
    )
    await muster.start()
    try:
        yield muster, store, key, cookie
    finally:
        await asyncio.to_thread(muster.child.stop)
        await store.close()


def opening(
    client: aiohttp.ClientSession, muster: Muster, cookie: str, **headers: str
) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
    return client.ws_connect(
        f"http://127.0.0.1:{muster.ports.public}/ws",
        headers={"Host": f"{HOST}:{muster.ports.public}", "Cookie": f"__Host-muster={cookie}", **headers},
    )


async def test_a_websocket_is_cut_when_its_session_ends_anywhere(tmp_path: Path) -> None:
    async with (
        echo_app() as app,
        alice_signed_in(tmp_path, app) as (muster, store, key, cookie),
        aiohttp.ClientSession() as client,
        opening(client, muster, cookie) as socket,
    ):
        assert await socket.receive_str() == "alice"
        await socket.send_str("still there?")
        assert await socket.receive_str() == "still there?"
        await store.sessions.end([key], Reason.ENDED_BY_OPERATOR, time.time())
        ended_at = time.monotonic()
        end = await socket.receive(timeout=10)
        assert end.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert time.monotonic() - ended_at < 2, "a quarter of a second, and a busy machine"


async def test_without_a_session_or_from_another_site_no_websocket_opens(tmp_path: Path) -> None:
    async with (
        echo_app() as app,
        alice_signed_in(tmp_path, app) as (muster, _, _, cookie),
        aiohttp.ClientSession() as client,
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await opening(client, muster, "A" * 43).__aenter__()
        assert refusal.value.status == 401
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await opening(client, muster, cookie, Origin="https://evil.example.net").__aenter__()
        assert refusal.value.status == 403
