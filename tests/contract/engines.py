"""What a contract test asks of an engine, and the engines there are.

An engine is the place where records are kept. `open` gives one more process's view of it; `silence` makes it stop answering.
Time is never waited for: every method of a port takes `now`.
"""

import os
import pickle
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from proxy.app import storing
from proxy.storage.keyring import load_keyring, new_key_line
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.place import Place
from proxy.storage.redis.store import make_store
from proxy.storage.sqlite.store import open_store

TIMEOUT = 5.0
SHORT_TIMEOUT = 0.3


Store: TypeAlias = storing.Store
"""One process's view of an engine."""


class Engine(Protocol):
    """Where records are kept."""

    def open(self, *, timeout: float = TIMEOUT) -> Store: ...

    def child_command(self, task: str) -> list[str]:
        """A command line that runs one of the tasks of `child.py` on this engine in another process."""

    def add_key(self) -> None:
        """A new key, first in the key file: what is opened from now on seals with it and opens the older too."""

    def silence(self) -> AbstractContextManager[None]:
        """Within the block the engine takes no write."""


def put_key_first(keys: Path) -> None:
    keys.write_text(new_key_line(os.urandom(32)) + "\n" + keys.read_text("ascii"), "ascii")


class SqliteOnDisk:
    """The embedded engine: one file in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "muster.db"
        self.keys = folder / "muster.keys"

    def open(self, *, timeout: float = TIMEOUT) -> Store:
        return open_store(self.path, load_keyring(self.keys), timeout=timeout)

    def child_command(self, task: str) -> list[str]:
        return [sys.executable, "-m", "tests.contract.child", "sqlite", str(self.path.parent), task]

    def add_key(self) -> None:
        put_key_first(self.keys)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Another process holds the write lock."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield


class RedisPartner(Protocol):
    """A server, or several that are one store."""

    def place(self, *, prefix: str, **more: Any) -> Place: ...

    def silence(self) -> AbstractContextManager[None]: ...


class RedisAt:
    """A prefix of the test's own on a running server; a child process is told the place in a file."""

    def __init__(self, name: str, partner: RedisPartner, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.keys = folder / "muster.keys"
        self._partner = partner
        self._prefix = f"contract-{uuid.uuid4().hex[:12]}"

    def open(self, *, timeout: float = TIMEOUT) -> Store:
        place = self._partner.place(prefix=self._prefix, timeout=timeout)
        return make_store(place, load_keyring(self.keys))

    def raw(self) -> RedisEngine:
        """For looking at what is written, beside the ports."""
        return RedisEngine(self._partner.place(prefix=self._prefix, timeout=TIMEOUT))

    def child_command(self, task: str) -> list[str]:
        """The child finds the place in the folder."""
        at = self._partner.place(prefix=self._prefix, timeout=TIMEOUT)
        (self.folder / "place").write_bytes(pickle.dumps(at))
        return [sys.executable, "-m", "tests.contract.child", self.name, str(self.folder), task]

    def add_key(self) -> None:
        put_key_first(self.keys)

    def silence(self) -> AbstractContextManager[None]:
        return self._partner.silence()


def open_in_child(engine: str, folder: Path) -> Store:
    """The view of a process that `child_command` started."""
    if engine == "sqlite":
        return SqliteOnDisk(folder).open()
    place: Place = pickle.loads((folder / "place").read_bytes())
    return make_store(place, load_keyring(folder / "muster.keys"))


ENGINES: dict[str, str] = {
    "redis": "redis_server",
    "valkey": "valkey_server",
    "redis-tls": "redis_secured",
    "sentinel": "redis_sentinels",
    "cluster": "redis_cluster",
}
"""The shared engines, and the fixtures that run their servers."""
