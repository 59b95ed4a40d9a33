"""Servers that live as long as the test process: each test takes a prefix of its own, and costs milliseconds.

Import what is needed into a `conftest.py`. What is not installed skips the test by name.
"""

from collections.abc import Iterator

import pytest

from tests.partners.redis_servers import (
    ClusterOfThree,
    RedisServer,
    SecuredServer,
    SentinelGroup,
    need,
    valkey_program,
)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Redis, on a unix socket."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Valkey, on a unix socket."""
    with RedisServer(tmp_path_factory.mktemp("valkey"), program=need(valkey_program)) as server:
        yield server


@pytest.fixture(scope="session")
def redis_secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredServer]:
    """Redis over TLS with a client certificate, and an ACL user that may do no more than is documented."""
    with SecuredServer(tmp_path_factory.mktemp("redis-tls")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelGroup]:
    """A master, a replica, three Sentinels that are slow to take a pause for a death."""
    with SentinelGroup(tmp_path_factory.mktemp("sentinels")) as group:
        yield group


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterOfThree]:
    """Three masters that share the slots."""
    with ClusterOfThree(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster
