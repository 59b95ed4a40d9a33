"""The engines, by settings."""

from pathlib import Path
from typing import Any

import pytest

from proxy.app.storing import open_store, place_of
from proxy.errors import SettingsError, Unavailable
from proxy.session.codec import KeyRing, SealingKey
from proxy.storage.redis.place import Address, Cluster, Place, Single, Socket, Tls, Watched
from tests.fakes.configurations import settings_of
from tests.fakes.redis_server import bulk, error, fake_redis

RING = KeyRing(keys=(SealingKey(secret=b"k" * 32),))


def place(folder: Path, environ: dict[str, str] | None = None, **redis: Any) -> Place:
    found = settings_of(folder, environ, store={"redis": redis}).store.redis
    assert found is not None
    return place_of(found)


def test_one_server(tmp_path: Path) -> None:
    assert place(tmp_path, url="redis://redis", database=2).at == Single(
        endpoint=Address(host="redis", port=6379), database=2
    )
    assert place(tmp_path, url="unix:///run/my%20redis.sock").at == Single(
        endpoint=Socket(path="/run/my redis.sock")
    )
    assert place(tmp_path, url="redis://[::1]:7").at == Single(endpoint=Address(host="::1", port=7))


def test_tls_is_on_where_the_url_or_the_section_says_so(tmp_path: Path) -> None:
    assert place(tmp_path, url="redis://127.0.0.1").tls is None
    assert place(tmp_path, url="rediss://redis").tls == Tls()
    assert place(tmp_path, cluster={"nodes": "a:1"}, tls={}).tls == Tls()
    (tmp_path / "ca.pem").write_text("")
    assert place(tmp_path, url="rediss://redis", tls={"ca_file": "ca.pem"}).tls == Tls(
        ca_file=tmp_path / "ca.pem"
    )


def test_sentinels_and_servers_have_logins_of_their_own(tmp_path: Path) -> None:
    found = place(
        tmp_path,
        {"A": "for the server", "B": "for the sentinels"},
        sentinel={"nodes": ["a:1", "b:2"], "master": "main", "username": "s", "password": {"env": "B"}},
        username="muster",
        password={"env": "A"},
        prefix="acme",
        timeout="2s",
        connections=5,
    )
    assert isinstance(found.at, Watched)
    assert found.at.sentinels == (Address(host="a", port=1), Address(host="b", port=2))
    assert found.at.login.password is not None
    assert found.login.password is not None
    assert (found.at.login.username, found.at.login.password()) == ("s", "for the sentinels")
    assert (found.login.username, found.login.password()) == ("muster", "for the server")
    assert (found.prefix, found.timeout, found.connections) == ("acme", 2.0, 5)


def test_a_cluster(tmp_path: Path) -> None:
    assert place(tmp_path, cluster={"nodes": "a:1"}).at == Cluster(nodes=(Address(host="a", port=1),))


async def test_sqlite_is_the_default(tmp_path: Path) -> None:
    store = await open_store(settings_of(tmp_path), RING)
    await store.sessions.ping()
    await store.close()
    assert (tmp_path / "muster.db").exists()


async def test_a_redis_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    store = await open_store(settings_of(tmp_path, store={"redis": {"url": "unix:///nowhere/s"}}), RING)
    with pytest.raises(Unavailable):
        await store.sessions.ping()
    await store.close()
    assert not (tmp_path / "muster.db").exists()


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (bulk("redis_version:6.2.1\r\n"), r"6\.2\.1; 7\.0 or later"),
        (error("NOAUTH Authentication required."), "store.redis.password"),
        (error("NOPERM this user has no permissions"), "rights"),
    ],
)
async def test_a_redis_that_cannot_be_ours_is_said_before_listening(
    answer: bytes, word: str, tmp_path: Path
) -> None:
    async with fake_redis(lambda _: answer) as fake:
        settings = settings_of(tmp_path, store={"redis": {"url": f"redis://{fake.address}"}})
        with pytest.raises(SettingsError, match=word):
            await open_store(settings, RING)
