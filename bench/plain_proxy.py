"""A plain aiohttp proxy of forty lines: `python -m bench.plain_proxy PORT UPSTREAM_PORT ACCESS_FILE|-`."""

import asyncio
import logging
import sys

from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, web

DROPPED = {"Connection", "Keep-Alive", "Transfer-Encoding", "Host"}


async def make(upstream: str) -> web.Application:
    """The proxy: streams both ways, carries WebSockets, and drops what is hop-by-hop."""
    session = ClientSession(connector=TCPConnector(limit=512), auto_decompress=False)

    async def forward(request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name not in DROPPED}
        body = request.content if request.body_exists else None
        async with session.request(
            request.method, upstream + request.path_qs, headers=headers, data=body
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name not in DROPPED}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for part in answer.content.iter_any():
                await response.write(part)
            return response

    async def join(request: web.Request) -> web.StreamResponse:
        browser = web.WebSocketResponse()
        await browser.prepare(request)
        async with session.ws_connect(upstream + request.path_qs) as app:
            await asyncio.gather(_carry(browser, app), _carry(app, browser))
        return browser

    application = web.Application()
    application.router.add_get("/ws", join)
    application.router.add_route("*", "/{tail:.*}", forward)
    return application


Side = web.WebSocketResponse | ClientWebSocketResponse


async def _carry(source: Side, sink: Side) -> None:
    """Binary messages, until the source ends."""
    async for message in source:
        await sink.send_bytes(message.data)
    await sink.close()


if __name__ == "__main__":
    port, upstream_port, access = sys.argv[1:]
    logger = logging.getLogger("access")
    if access != "-":
        logging.basicConfig(filename=access, level=logging.INFO)
    web.run_app(
        make(f"http://127.0.0.1:{upstream_port}"),
        host="127.0.0.1",
        port=int(port),
        access_log=logger if access != "-" else None,
    )
