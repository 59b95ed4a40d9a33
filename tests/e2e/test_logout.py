"""Somebody signs out at the certified IdP itself: what that led to here is over within a second, a running stream included."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.e2e.conftest import Browsers, System
from tests.e2e.program import HOST
from tests.e2e.stack import Stack
from tests.e2e.waiting import eventually
from tests.fakes.browser import Browser

pytestmark = pytest.mark.partner

AT_ONCE = 1.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"9\r\ndata: 1\n\n\r\n"


@asynccontextmanager
async def streaming_app() -> AsyncIterator[str]:
    """An app whose every page is an event stream without an end; gives its address."""
    talking: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD)
            while True:
                writer.write(EVENT)
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


async def sign_in(stack: Stack, browser: Browser, login: str) -> None:
    """Up to the session; the app's own page is not asked for."""
    page = await browser.go(stack.muster.url("/_muster/profile"))
    if stack.idp.asks(page):
        page = await stack.idp.answer(browser, login)
    assert (page.status, page.url.path) == (200, "/_muster/profile"), page.text


async def sign_out_at_idp(stack: Stack, browser: Browser) -> None:
    """On the IdP's own page; it tells its clients over the back channel."""
    await browser.go(f"{stack.idp.issuer}/session/end")
    done = await browser.submit(browser.page.form(lambda form: form.method == "POST"), {"logout": "yes"})
    assert done.status == 200, done.text


async def stream(stack: Stack, browser: Browser) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A running event stream of this browser; its first event has come."""
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.jar.of_host(HOST))
    port = stack.muster.ports.public
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = f"Host: {HOST}:{port}\r\nCookie: {cookies}\r\nAccept: text/event-stream"
    writer.write(f"GET /events HTTP/1.1\r\n{fields}\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert b" 200 " in head.splitlines()[0], head
    await asyncio.wait_for(reader.readuntil(b"data: 1"), 10)
    return reader, writer


async def seconds_until_cut(reader: asyncio.StreamReader) -> float:
    began = time.monotonic()
    with suppress(ConnectionError):
        while await asyncio.wait_for(reader.read(65536), 10):
            pass
    return time.monotonic() - began


async def profile(stack: Stack, browser: Browser) -> int:
    return (await browser.fetch(stack.muster.url("/_muster/profile"))).status


async def test_the_sign_out_button_ends_both_sessions_and_says_so(
    certified: System, browser: Browser
) -> None:
    async with certified() as stack:
        await sign_in(stack, browser, "alice")
        asked = await browser.submit(browser.page.form(lambda form: form.action.endswith("/sign-out")), {})
        assert str(asked.url.origin()) == stack.idp.issuer, "the IdP asks whether to end its own session"
        done = await browser.submit(browser.page.form(lambda form: form.method == "POST"), {"logout": "yes"})
        assert done.url.path == "/_muster/signed-out"
        assert "has signed you out too" in done.text
        assert stack.idp.asks(await browser.go(stack.page)), "the IdP does not know the browser any more"


async def test_a_sign_out_at_the_idp_ends_session_and_stream_within_a_second(
    certified: System, browsers: Browsers
) -> None:
    async with streaming_app() as url, certified(upstream={"url": url}) as stack:
        laptop, phone, bobs = await browsers(), await browsers(), await browsers()
        await sign_in(stack, laptop, "alice")
        await sign_in(stack, phone, "alice")
        await sign_in(stack, bobs, "bob")
        reader, writer = await stream(stack, laptop)
        kept, kept_writer = await stream(stack, bobs)
        cut = asyncio.create_task(seconds_until_cut(reader))
        await sign_out_at_idp(stack, laptop)
        ended_at = time.monotonic()
        await asyncio.wait_for(cut, 5)
        assert time.monotonic() - ended_at < AT_ONCE
        assert await profile(stack, laptop) == 401
        assert await profile(stack, phone) == 200, "another session of hers at the IdP"
        assert await profile(stack, bobs) == 200
        await asyncio.wait_for(kept.readuntil(b"data: 1"), 5)
        for one in (writer, kept_writer):
            one.close()
        account = await stack.account("alice")
        assert account is not None
        assert account.is_active, "signing out is not leaving"
        await eventually(
            lambda: asyncio.to_thread(stack.muster.has_logged, "logged_out_at_idp"),
            bool,
            within=5,
            what="the audit record",
        )
