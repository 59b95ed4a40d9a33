"""A plain aiohttp proxy of twenty lines: `python -m bench.plain_proxy PORT UPSTREAM_PORT ACCESS_FILE|-`."""

import logging
import sys

from aiohttp import ClientSession, TCPConnector, web


async def make(upstream: str) -> web.Application:
    """The proxy: streams both ways, and drops what is hop-by-hop."""
    session = ClientSession(connector=TCPConnector(limit=256), auto_decompress=False)
    dropped = {"Connection", "Keep-Alive", "Transfer-Encoding", "Host"}

    async def forward(request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name not in dropped}
        body = request.content if request.body_exists else None
        async with session.request(
            request.method, upstream + request.path_qs, headers=headers, data=body
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name not in dropped}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for part in answer.content.iter_any():
                await response.write(part)
            return response

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", forward)
    return app


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
