"""The own pages are reached over a new pair of sockets for each exchange, with heads as large as the edge lets pass."""

import asyncio
from contextlib import AsyncExitStack

from aiohttp import web

from proxy.app.own_pages import HEAD_SLACK, open_own_pages


async def length(request: web.Request) -> web.Response:
    return web.Response(text=str(len(request.headers["X-Long"])))


async def test_a_head_of_the_edges_limit_is_read_over_each_new_pair() -> None:
    application = web.Application()
    application.router.add_get("/", length)
    async with AsyncExitStack() as stack:
        connect = await open_own_pages(application, stack, header_bytes=20_000)
        for size in (1, 20_000):
            reader, writer = await asyncio.open_connection(sock=await connect())
            writer.write(
                b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: %b\r\n\r\n" % (b"x" * size)
            )
            answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 200")
            assert answer.endswith(b"\r\n%d" % size)
    assert HEAD_SLACK > 0
