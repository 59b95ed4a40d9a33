"""What a server says about itself."""

import pytest

from proxy.storage.redis.engine import RedisEngine
from proxy.storage.redis.opening import state_of


def test_redis_and_valkey_are_told_apart() -> None:
    redis = state_of(
        [b"# Server\r\nredis_version:7.0.15\r\n", b"aof_enabled:1\r\nmaxmemory_policy:noeviction\r\n"]
    )
    assert (redis.name, redis.version, redis.has_aof, redis.eviction) == (
        "Redis",
        "7.0.15",
        True,
        "noeviction",
    )
    valkey = state_of([b"redis_version:7.2.4\r\nvalkey_version:9.1.2\r\nconnected_slaves:2\r\n"])
    assert (valkey.name, valkey.version, valkey.replicas) == ("Valkey", "9.1.2", 2)
    assert not valkey.has_aof


@pytest.mark.parametrize(
    ("version", "is_too_old"), [("6.2.14", True), ("7.0.0", False), ("10.0", False), ("", True)]
)
def test_seven_is_the_oldest(version: str, is_too_old: bool) -> None:
    assert state_of([f"redis_version:{version}\r\n".encode()]).is_too_old is is_too_old


async def test_a_real_server_says_it_all(engine: RedisEngine) -> None:
    await engine.open()
    state = await engine.state()
    assert not state.is_too_old
    assert (state.eviction, state.has_aof, state.is_aof_written, state.replicas) == (
        "noeviction",
        True,
        True,
        0,
    )
