"""Muster as it is shipped, with somebody signed in: `muster serve`, the demo IdP and admin API, and nginx as the app."""

import asyncio
import contextlib
import secrets
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from bench.targets import Target, free_port, has_access_line, process
from proxy.demo.app import DemoApp
from proxy.demo.browser import Browser
from proxy.demo.configuration import CLIENT_ID, Addresses, write_configuration
from proxy.demo.idp import DemoIdp

T = TypeVar("T")

SECRET = secrets.token_urlsafe(16)
TOKEN = secrets.token_urlsafe(16)
LOGIN = "alice"
COOKIE = "__Host-muster"
REFRESH_SECONDS = 3600.0
HOST = "muster.localhost"


@contextlib.contextmanager
def beside() -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """A loop in a thread: IdP and admin API live there, so that they are neither measured nor in the way."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    try:
        yield run
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def muster(upstream: int, directory: Path, more: str = "") -> Iterator[Target]:
    """The default configuration and what is `more` (YAML), with Alice signed in."""
    port = free_port()
    idp, app = DemoIdp(client_id=CLIENT_ID, client_secret=SECRET), DemoApp(TOKEN)
    with beside() as run:
        issuer, admin = run(idp.start()), run(app.start())
        try:
            config = _configuration(directory / "muster", port, upstream, issuer=issuer, admin=admin)
            config.write_text(f"{config.read_text()}\n{more}")
            command = [sys.executable, "-m", "proxy", "serve", "-c", str(config)]
            with process(command, port, directory) as pid:
                cookie = f"{COOKIE}={run(_signed_in(f'http://{HOST}:{port}/1k'))}"
                host = f"{HOST}:{port}"
                yield Target(
                    name="muster", url=f"http://127.0.0.1:{port}/1k", pids=(pid,), cookie=cookie, host=host
                )
        finally:
            run(idp.stop())
            run(app.stop())


def _configuration(folder: Path, port: int, upstream: int, *, issuer: str, admin: str) -> Path:
    folder.mkdir()
    at = Addresses(
        listen=f"127.0.0.1:{port}",
        public_url=f"http://{HOST}:{port}",
        ops=f"127.0.0.1:{free_port()}",
        issuer=issuer,
        app=admin,
    )
    config = write_configuration(folder, at, client_secret=SECRET, token=TOKEN, every=REFRESH_SECONDS)
    text = config.read_text().replace(
        f"upstream:\n  url: {admin}", f"upstream:\n  url: http://127.0.0.1:{upstream}"
    )
    config.write_text(text if has_access_line() else text + "\nlog: {access: false}\n")
    return config


async def _signed_in(url: str) -> str:
    """The session cookie of a browser that went through the IdP and got the app's answer."""
    async with Browser() as browser:
        page = await browser.sign_in(url, LOGIN)
        for _ in range(50):
            if page.status == 200 and len(page.text) == 1024:
                break
            await asyncio.sleep(0.2)
            page = await browser.open(url)
        cookie = browser.jar.value(HOST, COOKIE)
    if page.status != 200 or cookie is None:
        raise RuntimeError(f"not signed in: {page.status} at {page.url}")
    return cookie
