"""A fresh database file and a connection to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from proxy.session.codec import KeyRing, SealingKey
from proxy.storage.sqlite.opening import open_connections


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "muster.db"


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(keys=(SealingKey(secret=b"k" * 32),))


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    writing, reading = open_connections(path, timeout=1)
    reading.close()
    with closing(writing):
        yield writing
