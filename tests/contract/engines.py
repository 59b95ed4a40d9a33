"""What a contract test asks of an engine, and the engines there are.

An engine is the place where records are kept. `open` gives one more process's view of it; `silence` makes it stop answering.
Time is never waited for: every method of a port takes `now`.
"""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

from proxy.gate.ports import JointStore
from proxy.provisioning.leases import NamedLeases
from proxy.provisioning.outbox import Bindings, GuardLedger, Outbox, SharedCounters
from proxy.provisioning.rulings import Rulings
from proxy.session.store import SessionStore
from proxy.storage.audit import AuditTrail
from proxy.storage.keyring import load_keyring, new_key_line
from proxy.storage.sqlite.store import open_store

TIMEOUT = 5.0
SHORT_TIMEOUT = 0.3


class Ledger(GuardLedger, SharedCounters, Protocol):
    """The guard's ledger and the shared counters, which every engine gives as one."""


class Store(Protocol):
    """One process's view of an engine."""

    @property
    def sessions(self) -> SessionStore: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def bindings(self) -> Bindings: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def joint(self) -> JointStore: ...
    @property
    def leases(self) -> NamedLeases: ...
    @property
    def rulings(self) -> Rulings: ...
    @property
    def audit(self) -> AuditTrail: ...
    async def clean(self, now: float) -> None: ...
    async def close(self) -> None: ...


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


ENGINES: dict[str, type[SqliteOnDisk]] = {"sqlite": SqliteOnDisk}
