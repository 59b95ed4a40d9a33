"""The whole program in this process, between the demo IdP and the demo app, on a configuration file as people write it."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.app.doors import Doors
from proxy.app.running import running
from proxy.demo.app import DemoApp
from proxy.demo.configuration import Addresses, write_configuration
from proxy.demo.idp import DemoIdp
from proxy.demo.stage import HOST, free_port
from proxy.settings.load import parse
from proxy.settings.model import Settings

END_SECONDS = 60.0
"""How long the end of a program may take on a busy machine; longer is a hang."""


@dataclass(slots=True, kw_only=True)
class Whole:
    """The partners, and where Muster will be. `more` is YAML that replaces or adds top-level settings."""

    folder: Path
    idp: DemoIdp
    app: DemoApp
    port: int
    ops_port: int

    def url(self, path: str = "/") -> str:
        return f"http://{HOST}:{self.port}{path}"

    def ops(self, path: str) -> str:
        return f"http://127.0.0.1:{self.ops_port}{path}"

    def settings(self, change: Callable[[str], str] = str) -> Settings:
        """The demo's configuration with an hour between two questions; `change` rewrites its text."""
        text = change((self.folder / "muster.yaml").read_text())
        return parse(text, folder=self.folder, environ={})


@asynccontextmanager
async def whole(folder: Path, **options: Any) -> AsyncIterator[Whole]:
    """The partners run, Muster does not yet; `options` are the demo IdP's."""
    secret, token = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    idp, app = DemoIdp(client_secret=secret, **options), DemoApp(token)
    stage = Whole(folder=folder, idp=idp, app=app, port=free_port(), ops_port=free_port())
    at = Addresses(
        listen=f"127.0.0.1:{stage.port}",
        public_url=stage.url().removesuffix("/"),
        ops=f"127.0.0.1:{stage.ops_port}",
        issuer=await idp.start(),
        app=await app.start(),
    )
    write_configuration(folder, at, client_secret=secret, token=token, every=3600)
    try:
        yield stage
    finally:
        await idp.stop()
        await app.stop()


@contextmanager
def kept_logging() -> Iterator[None]:
    """The program takes over the root logger, as it should; a test gives it back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[str, ...]]:
    """The program serves; it is stopped at the end, and no task of it is left."""
    before = asyncio.all_tasks()
    with kept_logging(), closing(Doors()) as doors:
        stack = AsyncExitStack()
        try:
            yield await stack.enter_async_context(running(settings, doors.open(settings)))
        finally:
            doors.close()
            async with asyncio.timeout(END_SECONDS):
                await stack.aclose()
    left = {task for task in asyncio.all_tasks() - before if not _is_of_a_partner(task)}
    assert not left, f"tasks left behind: {left}"


def _is_of_a_partner(task: asyncio.Task[Any]) -> bool:
    """The demo partners serve their connections in aiohttp's tasks; Muster's own are awaited before it ends."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and "aiohttp" in code.co_filename
