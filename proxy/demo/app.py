"""A small web app that nobody may modify, for demonstration and tests only: it believes `X-Forwarded-User` and has an admin API.

Runs in a process (`DemoApp`) or as one: `python -m proxy.demo.app --port 0` prints one JSON line with its address.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web

from proxy.demo.app_api import API_ROUTES, STATE, admin_api
from proxy.demo.app_pages import PAGE_ROUTES
from proxy.demo.app_state import AppState, Call, PageView, with_demo_content
from proxy.demo.listener import Listener, serve_until_signal

TEMPLATES = Path(__file__).parent / "templates"


def make_application(state: AppState) -> web.Application:
    application = web.Application(middlewares=[admin_api], client_max_size=0)
    application[STATE] = state
    aiohttp_jinja2.setup(application, loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    application.add_routes([*API_ROUTES, *PAGE_ROUTES])
    return application


class DemoApp:
    """The app and its listener. `state` may be read and changed directly by a test in the same process.

    `seats` limits active accounts (None: no limit); `is_furnished` starts with two people and three groups.
    """

    def __init__(
        self,
        token: str = "demo-token",  # noqa: S107 -- a demonstration's token is public
        *,
        seats: int | None = None,
        page_size: int = 50,
        is_furnished: bool = True,
    ) -> None:
        state = AppState(token=token, seats=seats, page_size=page_size)
        self.state = with_demo_content(state) if is_furnished else state
        self._listener = Listener(lambda: make_application(self.state))

    @property
    def url(self) -> str:
        return self._listener.url

    @property
    def calls(self) -> list[Call]:
        """Every admin call so far, oldest first."""
        return list(self.state.calls)

    @property
    def views(self) -> list[PageView]:
        """Every page asked for so far, oldest first."""
        return list(self.state.views)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; port 0 keeps the port of last time. Returns the address."""
        return await self._listener.start(host, port)

    async def stop(self) -> None:
        await self._listener.stop()


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proxy.demo.app", description="The demo app.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="demo-token", help="bearer token of the admin API")
    parser.add_argument("--seats", type=int, default=None)
    parser.add_argument("--page-size", type=int, default=50)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    asked = _arguments(argv)
    app = DemoApp(asked.token, seats=asked.seats, page_size=asked.page_size)
    asyncio.run(serve_until_signal(app, asked.host, asked.port))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
