"""The control plane as one more upstream of the edge: an application behind in-process socket pairs."""

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Final

from aiohttp import web

from proxy.edge.ports import ConnectOwn

HEAD_SLACK: Final = 4096
"""What the edge adds to a head that it hands on, in bytes."""


async def open_own_pages(
    application: web.Application, stack: AsyncExitStack, *, header_bytes: int
) -> ConnectOwn:
    """Gives the near end of a new pair for each exchange; the application serves the far one until the stack closes."""
    # The edge has judged the head's size already: no second, smaller limit with an answer that is no page of ours.
    pages = web.AppRunner(
        application,
        access_log=None,
        handle_signals=False,
        max_line_size=header_bytes + HEAD_SLACK,
        max_field_size=header_bytes + HEAD_SLACK,
    )
    await pages.setup()
    stack.push_async_callback(pages.cleanup)

    async def connect() -> socket.socket:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        server = pages.server
        assert server is not None, "set up before the listeners open"
        await asyncio.get_running_loop().connect_accepted_socket(server, far)
        return near

    return connect
