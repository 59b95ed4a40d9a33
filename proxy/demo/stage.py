"""The three programs of the demonstration: the IdP and the app in this process, Muster as a child."""

import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from proxy.demo.app import DemoApp
from proxy.demo.child import MusterChild
from proxy.demo.configuration import CLIENT_ID, Addresses, write_configuration, write_secret
from proxy.demo.idp import DemoIdp

HOST = "app.localhost"


class Program(Protocol):
    """Muster, as whoever runs it sees it; `MusterChild` is one."""

    async def start(self) -> None: ...

    async def stop(self) -> int: ...

    async def kill(self) -> int: ...

    async def ended(self) -> int:
        """Waits for it to end; its exit code."""

    def records(self) -> Iterator[dict[str, Any]]: ...

    def tail(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs. `every` is the refresh interval in seconds."""

    idp: DemoIdp
    app: DemoApp
    muster: Program
    at: Addresses
    folder: Path
    every: float

    def url(self, path: str = "/") -> str:
        """An address that people type."""
        return self.at.public_url + path

    async def figure(self, name: str, **labels: str) -> float | None:
        """One sample of Muster's metrics, as its operator reads it."""
        async with aiohttp.ClientSession() as http, http.get(f"http://{self.at.ops}/metrics") as answer:
            text = await answer.text()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return sample.value
        return None

    def tell_muster_secret(self, secret: str) -> None:
        """What an operator does after rotating the client secret: write it where the configuration says."""
        write_secret(self.folder / "idp.secret", secret)


def free_port() -> int:
    """A port that nobody has now; whoever binds it soon will most likely get it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_or_free(wanted: int) -> int:
    """The wanted port if it is free, else another."""
    with socket.socket() as probe:
        # As the server will: a port that only waits for old connections to be forgotten is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
    return wanted


@contextmanager
def _folder(*, is_kept: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="muster-demo-"))
    try:
        yield folder
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def running(*, port: int, every: float, is_kept: bool = False) -> AsyncIterator[Stage]:
    """All three, ready; everything is stopped at the end, and the folder removed unless `is_kept`."""
    secret, token = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    idp = DemoIdp(client_id=CLIENT_ID, client_secret=secret)
    app = DemoApp(token)
    with _folder(is_kept=is_kept) as folder:
        at = Addresses(
            listen=f"127.0.0.1:{port}",
            public_url=f"http://{HOST}:{port}",
            ops=f"127.0.0.1:{free_port()}",
            issuer=await idp.start(),
            app=await app.start(),
        )
        config = write_configuration(folder, at, client_secret=secret, token=token, every=every)
        muster = MusterChild(config, address=f"http://{at.listen}", log=folder / "muster.log")
        try:
            await muster.start()
            yield Stage(idp=idp, app=app, muster=muster, at=at, folder=folder, every=every)
        finally:
            await muster.stop()
            await idp.stop()
            await app.stop()
