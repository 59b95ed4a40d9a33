"""Where the store is: every way to write it, and what each mistake is called."""

from pathlib import Path
from typing import Any

import pytest

from proxy.settings.addresses import Address
from tests.fakes.configurations import mistakes_of, settings_of


def redis(**settings: Any) -> dict[str, Any]:
    return {"redis": settings}


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "redis://redis:6379/",
        "rediss://redis.example.com:6380",
        "unix:///run/redis.sock",
        "redis://[::1]:1",
    ],
)
def test_a_server_is_named_by_its_url(url: str, tmp_path: Path) -> None:
    found = settings_of(tmp_path, store=redis(url=url)).store.redis
    assert found is not None
    assert found.url == url
    assert (found.prefix, found.database, found.timeout, found.connections) == ("muster", 0, 1.0, 32)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://redis", "write redis://"),
        ("redis://", "write redis://"),
        ("redis:6379", "write redis://"),
        ("unix://relative", "write redis://"),
        ("unix:///", "write redis://"),
        ("redis://redis:x", "cannot be read"),
        ("redis://redis/3", "set database"),
        ("redis://muster:secret@redis", "set username and password"),
        ("redis://redis?ssl=no", "query"),
    ],
)
def test_a_url_says_where_and_nothing_else(url: str, word: str, tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, store=redis(url=url))
    assert list(found) == ["store.redis.url"]
    assert word in found["store.redis.url"]
    assert "secret" not in found["store.redis.url"]


def test_nodes_are_one_or_many(tmp_path: Path) -> None:
    one = settings_of(tmp_path, store=redis(cluster={"nodes": "redis-0:6379"})).store.redis
    many = settings_of(
        tmp_path, store=redis(sentinel={"nodes": ["a:1", "[::1]:2"], "master": "main"})
    ).store.redis
    assert one is not None
    assert many is not None
    assert one.cluster is not None
    assert many.sentinel is not None
    assert one.cluster.nodes == (Address(host="redis-0", port=6379),)
    assert many.sentinel.nodes == (Address(host="a", port=1), Address(host="::1", port=2))


@pytest.mark.parametrize("nodes", [[], ["redis"], "redis", ["redis:99999"], [7]])
def test_a_node_is_host_and_port(nodes: object, tmp_path: Path) -> None:
    assert list(mistakes_of(tmp_path, store=redis(cluster={"nodes": nodes}))) == ["store.redis.cluster.nodes"]


@pytest.mark.parametrize("prefix", ["", "a b", "{a}", "a:b", "a" * 65, "ä"])
def test_a_prefix_can_stand_in_a_hash_tag(prefix: str, tmp_path: Path) -> None:
    assert list(mistakes_of(tmp_path, store=redis(url="redis://127.0.0.1", prefix=prefix))) == [
        "store.redis.prefix"
    ]


def test_a_password_is_a_reference(tmp_path: Path) -> None:
    assert "store.redis.password" in mistakes_of(
        tmp_path, store=redis(url="redis://127.0.0.1", password="secret")
    )
    found = settings_of(
        tmp_path, {"PW": "hunter2"}, store=redis(url="redis://127.0.0.1", password={"env": "PW"})
    )
    assert found.store.redis is not None
    assert found.store.redis.password is not None
    assert found.store.redis.password.reader()() == "hunter2"
    assert "hunter2" not in repr(found)


def test_tls_files_must_be_there(tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, store=redis(url="rediss://redis", tls={"ca_file": "ca.pem"}))
    assert list(found) == ["store.redis.tls.ca_file"]
