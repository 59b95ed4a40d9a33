"""Every test of this folder runs on every engine."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.contract.engines import ENGINES, TIMEOUT, Engine, RedisAt, SqliteOnDisk, Store
from tests.partners.redis_fixtures import (  # noqa: F401  # pytest finds them by name
    redis_cluster,
    redis_secured,
    redis_sentinels,
    redis_server,
    valkey_server,
)

OpenStore = Callable[..., Store]


@pytest.fixture(params=["sqlite", *ENGINES])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "sqlite":
        return SqliteOnDisk(tmp_path)
    return RedisAt(request.param, request.getfixturevalue(ENGINES[request.param]), tmp_path)


@pytest.fixture
async def open_store(engine: Engine) -> AsyncIterator[OpenStore]:
    """Opens views of the engine, each as another process would, and closes them all."""
    opened: list[Store] = []

    def open_one(*, timeout: float = TIMEOUT) -> Store:
        opened.append(engine.open(timeout=timeout))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture
async def other(open_store: OpenStore) -> Store:
    """A second process on the same engine."""
    return open_store()
