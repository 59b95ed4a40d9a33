"""A configuration on disk that every command accepts."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from proxy.settings.load import load
from proxy.storage.keyring import load_keyring
from proxy.storage.sqlite.store import SqliteStore, open_store

TEXT = """\
public_url: https://app.example.com
upstream: {url: http://127.0.0.1:3000}
idps:
  - {id: corp, issuer: https://idp.example.com, client_id: muster}
joining: {domains: [example.com]}
groups: {links: [{app: Developers, idp: "engineers, platform"}]}
app: {preset: demo, url: http://127.0.0.1:3001, credentials: {token: {file: app.token}}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    token = tmp_path / "app.token"
    token.write_text("hunter2")
    token.chmod(0o600)
    path = tmp_path / "muster.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def in_store(config: Path) -> Callable[[Callable[[SqliteStore], Awaitable[None]]], Awaitable[None]]:
    """Runs a function on the store of `config`, which is made by it."""

    async def run(work: Callable[[SqliteStore], Awaitable[None]]) -> None:
        settings = load(config, {})
        store = open_store(settings.store.sqlite, load_keyring(settings.keys_file))
        try:
            await work(store)
        finally:
            await store.close()

    return run
