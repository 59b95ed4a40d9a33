"""One aiohttp application on one TCP port, which may stop listening and come back on the same port."""

import asyncio
import json
import signal
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

SHUTDOWN_SECONDS = 0.5


class Listener:
    """Starts and stops the application that `make` builds; what must survive a stop lives outside the application."""

    def __init__(self, make: Callable[[], web.Application]) -> None:
        self._make = make
        self._runner: web.AppRunner | None = None
        self._host = "127.0.0.1"
        self._port = 0

    @property
    def url(self) -> str:
        """The address, valid also while the listener is stopped (the port is kept)."""
        return f"http://{self._host}:{self._port}"

    @property
    def is_listening(self) -> bool:
        return self._runner is not None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; port 0 means the port of last time, or a free one. Returns the address."""
        self._host = host
        self._runner = web.AppRunner(
            self._make(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port or self._port).start()
        self._port = self._runner.addresses[0][1]
        return self.url

    async def stop(self) -> None:
        """Close the port and every connection; stopping twice is harmless."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


class Startable(Protocol):
    """What can be served as a process of its own."""

    async def start(self, host: str, port: int) -> str: ...

    async def stop(self) -> None: ...


async def serve_until_signal(listener: Startable, host: str, port: int) -> None:
    """Serve as a process of its own: print one JSON line with the address, then stay until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    url = await listener.start(host, port)
    print(json.dumps({"url": url}), flush=True)
    await stopped.wait()
    await listener.stop()
