"""The doctor at a shared store: a server that answers may still lose what it is given."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.cli.doctor_finding import Result, has_failed
from proxy.cli.doctor_store import examine_server, judge
from proxy.settings.store import Redis
from proxy.storage.redis.opening import ServerState
from tests.fakes.configurations import settings_of
from tests.partners.redis_fixtures import redis_server  # noqa: F401  # pytest finds it by name
from tests.partners.redis_servers import RedisServer

GOOD = ServerState(
    name="Redis", version="7.4.1", eviction="noeviction", has_aof=True, is_aof_written=True, replicas=1
)


def redis_at(folder: Path, url: str) -> Redis:
    found = settings_of(folder, store={"redis": {"url": url, "timeout": "5s"}}).store.redis
    assert found is not None
    return found


def test_a_server_that_keeps_what_it_is_given_is_said_to() -> None:
    (one,) = judge(GOOD, is_watched=True)
    assert (one.result, one.seen) == (Result.OK, "Redis 7.4.1 answers")


@pytest.mark.parametrize(
    ("state", "result", "word"),
    [
        (replace(GOOD, eviction="allkeys-lru"), Result.FAILED, "throw records away"),
        (replace(GOOD, has_aof=False), Result.FAILED, "append-only file"),
        (replace(GOOD, is_aof_written=False), Result.FAILED, "cannot write"),
        (replace(GOOD, replicas=0), Result.WARNING, "no replica"),
    ],
)
def test_what_would_lose_records_is_found(state: ServerState, result: Result, word: str) -> None:
    _, one = judge(state, is_watched=True)
    assert one.result is result
    assert word in one.seen
    assert one.advice


def test_a_server_alone_needs_no_replica() -> None:
    assert len(judge(replace(GOOD, replicas=0), is_watched=False)) == 1


def test_a_real_server_is_asked(redis_server: RedisServer, tmp_path: Path) -> None:  # noqa: F811
    found, is_readable = examine_server(redis_at(tmp_path, f"unix://{redis_server.socket}"))
    assert is_readable
    assert not has_failed(found)


def test_a_server_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    found, is_readable = examine_server(redis_at(tmp_path, "unix:///nowhere/s"))
    assert not is_readable
    assert has_failed(found)
    assert "cannot be reached" in found[0].seen
