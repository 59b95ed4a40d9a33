"""Stores that contradict themselves, and stores that a network can read."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.configurations import mistakes_of, settings_of

HERE = {"url": "redis://127.0.0.1"}


@pytest.mark.parametrize(
    ("store", "path", "word"),
    [
        ({"sqlite": "./m.db", "redis": HERE}, "store", "not both"),
        ({"redis": {}}, "store.redis", "exactly one"),
        ({"redis": {**HERE, "cluster": {"nodes": "a:1"}}}, "store.redis", "exactly one"),
        ({"redis": {"cluster": {"nodes": "a:1"}, "database": 1}}, "store.redis.database", "only database 0"),
        ({"redis": {**HERE, "username": "muster"}}, "store.redis.username", "password"),
        (
            {"redis": {"sentinel": {"nodes": "a:1", "master": "m", "username": "s"}}},
            "store.redis.sentinel.username",
            "password",
        ),
        ({"redis": {**HERE, "tls": {}}}, "store.redis.tls", "rediss://"),
        (
            {"redis": {"url": "rediss://a", "tls": {"cert_file": "muster.yaml"}}},
            "store.redis.tls",
            "together",
        ),
    ],
)
def test_what_contradicts_itself_is_named(
    store: dict[str, Any], path: str, word: str, tmp_path: Path
) -> None:
    (tmp_path / "muster.yaml").write_text("")
    found = mistakes_of(tmp_path, store=store)
    assert list(found) == [path]
    assert word in found[path]


def test_the_key_file_may_have_any_name_where_there_is_no_store_file(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, store={"redis": HERE}, keys_file="./muster.db") == {}
    assert "keys_file" in mistakes_of(tmp_path, keys_file="./muster.db")
    assert settings_of(tmp_path, store={"redis": HERE}).files == (tmp_path / "muster.keys",)


@pytest.mark.parametrize(
    ("redis", "is_doubtful"),
    [
        (HERE, False),
        ({"url": "redis://localhost"}, False),
        ({"url": "unix:///run/s"}, False),
        ({"url": "rediss://redis.example.com"}, False),
        ({"url": "redis://redis.example.com"}, True),
        ({"cluster": {"nodes": ["127.0.0.1:1", "10.0.0.1:2"]}}, True),
        ({"cluster": {"nodes": ["10.0.0.1:2"]}, "tls": {}}, False),
        ({"sentinel": {"nodes": ["10.0.0.1:2"], "master": "m"}}, True),
    ],
)
def test_what_crosses_a_network_readable_is_a_doubt(
    redis: dict[str, Any], is_doubtful: bool, tmp_path: Path
) -> None:
    warnings = settings_of(tmp_path, store={"redis": redis}).warnings
    assert [one.path for one in warnings] == (["store.redis"] if is_doubtful else [])


def test_a_password_that_others_may_read_is_a_doubt(tmp_path: Path) -> None:
    secret = tmp_path / "pw"
    secret.write_text("x")
    secret.chmod(0o644)
    sentinel = {"nodes": "127.0.0.1:1", "master": "m", "password": {"file": "pw"}}
    warnings = settings_of(
        tmp_path, store={"redis": {"sentinel": sentinel, "password": {"file": "pw"}}}
    ).warnings
    assert [one.path for one in warnings] == ["store.redis.password", "store.redis.sentinel.password"]
