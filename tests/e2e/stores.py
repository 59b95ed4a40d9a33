"""The store of an e2e test, by engine: its section of the configuration, and a hand of the test's own on what is in it.

`STORE=redis` or `STORE=sqlite` runs such tests on one engine alone, as the long proofs do.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.app.storing import Store
from proxy.storage.keyring import load_keyring
from proxy.storage.redis.store import make_store
from proxy.storage.sqlite.store import open_store
from tests.partners.redis_servers import RedisServer

ENGINES = ("sqlite", "redis")
TIMEOUT = "5s"
"""Of a call, as SQLite has it: a crowd on a busy machine is no outage."""


def engines(*usual: str) -> tuple[str, ...]:
    """Which engines a test runs on: the usual ones, or the one that the environment names."""
    chosen = os.environ.get("STORE")
    assert chosen in (None, *ENGINES), f"STORE is one of {', '.join(ENGINES)}"
    return (chosen,) if chosen else usual


class Kept:
    """One store of a test; `section` is `store` of the configuration, `keys_file` the ring that all share."""

    def __init__(self, folder: Path, server: RedisServer | None) -> None:
        self.keys_file = folder / "muster.keys"
        self.server = server
        self._file = folder / "muster.db"

    @property
    def section(self) -> dict[str, Any]:
        if self.server is None:
            return {"sqlite": str(self._file)}
        return {"redis": {"url": f"unix://{self.server.socket}", "timeout": TIMEOUT}}

    def open(self) -> Store:
        """The store, for the test itself; to be closed."""
        ring = load_keyring(self.keys_file)
        if self.server is None:
            return open_store(self._file, ring)
        return make_store(self.server.place(timeout=10), ring)


@pytest.fixture
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """A store on the engine that the test's parameter names."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(RedisServer(tmp_path / "redis")) if request.param == "redis" else None
        yield Kept(tmp_path, server)
