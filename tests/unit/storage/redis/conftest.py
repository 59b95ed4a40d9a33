"""A real server for what only a real one shows, and a dictionary for what is written; each test has its own."""

import uuid
from collections.abc import AsyncIterator

import pytest

from proxy.session.codec import KeyRing, SealingKey
from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.outbox_keys import OutboxKeys
from tests.fakes.redis_memory import MemoryRedis
from tests.partners.redis_fixtures import redis_server  # noqa: F401  # pytest finds it by name
from tests.partners.redis_servers import RedisServer


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(keys=(SealingKey(secret=b"k" * 32),))


@pytest.fixture
async def engine(redis_server: RedisServer) -> AsyncIterator[RedisEngine]:  # noqa: F811
    opened = RedisEngine(redis_server.place(prefix=f"unit-{uuid.uuid4().hex[:12]}", timeout=5))
    yield opened
    await opened.close()


@pytest.fixture
def memory() -> MemoryRedis:
    return MemoryRedis()


@pytest.fixture
def keys(memory: MemoryRedis) -> OutboxKeys:
    return OutboxKeys(prefix=memory.keys.prefix)
