"""The right answer per request, over sockets: no form is lost in a redirect, scripts hear 401 and start nothing."""

import html
import re
from typing import Any

import pytest
from yarl import URL

from tests.e2e import wire
from tests.e2e.conftest import System
from tests.e2e.stack import Stack
from tests.fakes.browser import Browser

SPA = "https://spa.example.net"

SCRIPTS: dict[str, tuple[str, ...]] = {
    "fetch": ("Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept: */*"),
    "an image": ("Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Accept: image/webp,*/*"),
    "jquery": ("X-Requested-With: XMLHttpRequest", "Accept: text/html, */*; q=0.01"),
    "eventsource": ("Accept: text/event-stream",),
    "prefetch": ("Sec-Fetch-Mode: navigate", "Sec-Purpose: prefetch", "Accept: text/html"),
    "curl": ("Accept: */*",),
    "websocket": (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-Fetch-Mode: websocket",
    ),
}


@pytest.mark.parametrize("kind", SCRIPTS)
async def test_whatever_is_no_navigation_hears_401_and_starts_no_attempt(
    running_demo: Stack, kind: str
) -> None:
    reply = await wire.send(running_demo.muster, *SCRIPTS[kind])
    assert reply.status == 401
    assert reply.json()["error"] == "not_signed_in"
    assert reply.json()["sign_in"] == running_demo.muster.url("/_muster/sign-in")
    head = reply.head.lower()
    assert "set-cookie" not in head
    assert "location" not in head
    assert "www-authenticate:" in head
    assert "cache-control: no-store" in head
    assert await running_demo.app.pages() == 0


async def test_a_script_that_is_sent_to_the_sign_in_page_starts_no_attempt_there(running_demo: Stack) -> None:
    for fields in SCRIPTS.values():
        request = "GET /_muster/sign-in?return_to=%2F HTTP/1.1"
        reply = await wire.send(running_demo.muster, *fields, request=request)
        assert (reply.status, "set-cookie" in reply.head.lower()) == (401, False)


async def test_a_grpc_client_reads_unauthenticated(running_demo: Stack) -> None:
    reply = await wire.send(
        running_demo.muster,
        "Content-Type: application/grpc-web+proto",
        "Content-Length: 5",
        "X-Grpc-Web: 1",
        request="POST /greet.Greeter/Hello HTTP/1.1",
        body=b"\0\0\0\0\0",
    )
    assert (reply.status, reply.body) == (200, b"")
    assert "grpc-status: 16\r\n" in reply.head
    assert "set-cookie" not in reply.head.lower()
    assert await running_demo.app.pages() == 0


async def test_a_form_that_was_sent_signed_out_is_sent_again_after_signing_in(
    running_demo: Stack, browser: Browser
) -> None:
    stack = running_demo
    form, body = stack.muster.url("/echo"), b"text=a+long+letter"
    told = await _post(browser, form, body)
    assert (told.status, "Location" in told.headers) == (401, False)
    assert told.headers["Content-Type"].startswith("text/html")
    assert "letter" not in told.text
    assert await stack.app.pages() == 0
    link = re.search(r'href="([^"]*)" target="_blank"', told.text)
    assert link is not None
    assert stack.idp.asks(await browser.go(html.unescape(link[1])))
    await stack.idp.answer(browser, "alice")
    again = await _post(browser, form, body)
    assert (again.status, again.body) == (200, body)


async def _post(browser: Browser, url: str, body: bytes) -> Any:
    headers = {
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
        "Accept": "text/html",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return await browser.fetch(url, method="POST", data=body, headers=headers)


async def test_ten_tabs_that_sign_in_at_once_all_arrive_where_they_were_going(
    running_demo: Stack, browser: Browser
) -> None:
    stack = running_demo
    wanted = [stack.muster.url(f"/headers?tab={tab}&back=%2Fa%26b") for tab in range(10)]
    asked = [await browser.go(address) for address in wanted]
    assert all(stack.idp.asks(page) for page in asked)
    arrived = []
    for page in asked:
        browser.answer = page
        arrived.append(await stack.idp.answer(browser, "alice"))
    assert [page.status for page in arrived] == [200] * 10
    assert [page.url for page in arrived] == [URL(address) for address in wanted]


# --- other origins ------------------------------------------------------------------------------------------------


async def test_a_script_of_a_listed_origin_can_read_that_it_must_sign_in(demo: System) -> None:
    async with demo(cors_origins=[SPA]) as stack:
        known = await wire.send(stack.muster, "Sec-Fetch-Mode: cors", f"Origin: {SPA}")
        assert known.status == 401
        assert f"Access-Control-Allow-Origin: {SPA}\r\n" in known.head
        assert "Access-Control-Allow-Credentials: true\r\n" in known.head
        for other in ("https://evil.example", "null", f"{SPA}.evil.example", "*"):
            reply = await wire.send(stack.muster, "Sec-Fetch-Mode: cors", f"Origin: {other}")
            assert (reply.status, "access-control" in reply.head.lower()) == (401, False)
            assert "Origin" in reply.head.partition("Vary: ")[2].partition("\r\n")[0]


async def test_a_preflight_reaches_the_app_only_from_a_listed_origin_and_without_a_name(demo: System) -> None:
    async with demo(cors_origins=[SPA]) as stack:
        asking = ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type")
        refused = await wire.send(
            stack.muster, "Origin: https://evil.example", *asking, request="OPTIONS /echo HTTP/1.1"
        )
        assert (refused.status, await stack.app.pages()) == (401, 0)
        asked = await wire.send(
            stack.muster,
            f"Origin: {SPA}",
            "X-Forwarded-User: alice",
            *asking,
            request="OPTIONS /echo HTTP/1.1",
        )
        assert asked.status == 403
        assert b"Nobody is signed in." in asked.body
        smuggled = await wire.send(
            stack.muster,
            f"Origin: {SPA}",
            *asking,
            "X-HTTP-Method-Override: PUT",
            request="OPTIONS /echo HTTP/1.1",
        )
        assert (smuggled.status, await stack.app.pages()) == (401, 1)
