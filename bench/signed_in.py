"""Muster as it is shipped, with somebody signed in: `muster serve`, an IdP, the demo admin API, and whatever app it is told."""

import contextlib
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.beside import beside
from bench.cores import pinned
from bench.people import Idp, signed_in
from bench.targets import Target, free_port, has_access_line, process
from proxy.demo.app import DemoApp
from proxy.demo.configuration import CLIENT_ID, Addresses, write_configuration

TOKEN = secrets.token_urlsafe(16)
REFRESH_SECONDS: Final = 3600.0
HOST: Final = "muster.localhost"


@contextlib.contextmanager
def muster(idp: Idp, upstream: int, directory: Path, more: str = "") -> Iterator[Target]:
    """The default configuration and what is `more` (YAML), with Alice signed in."""
    port, folder = free_port(), directory / "muster"
    folder.mkdir()
    app = DemoApp(TOKEN)
    with beside() as run:
        admin = run(app.start())
        try:
            config = _configuration(folder, port, upstream, idp, admin)
            config.write_text(f"{config.read_text()}\n{more}")
            command = [sys.executable, "-m", "proxy", "serve", "-c", str(config)]
            with process(pinned(command), port, directory) as pid:
                cookie = run(signed_in(f"http://{HOST}:{port}/1k"))
                yield Target(
                    name="Muster",
                    url=f"http://127.0.0.1:{port}/1k",
                    pids=(pid,),
                    cookie=cookie,
                    host=f"{HOST}:{port}",
                )
        finally:
            run(app.stop())


def _configuration(folder: Path, port: int, upstream: int, idp: Idp, admin: str) -> Path:
    public_url = f"http://{HOST}:{port}"
    client = idp.client(CLIENT_ID, f"{public_url}/_muster/callback")
    at = Addresses(
        listen=f"127.0.0.1:{port}",
        public_url=public_url,
        ops=f"127.0.0.1:{free_port()}",
        issuer=client.issuer,
        app=admin,
    )
    config = write_configuration(folder, at, client_secret=client.secret, token=TOKEN, every=REFRESH_SECONDS)
    text = config.read_text().replace(
        f"upstream:\n  url: {admin}", f"upstream:\n  url: http://127.0.0.1:{upstream}"
    )
    config.write_text(text if has_access_line() else text + "\nlog: {access: false}\n")
    return config
