"""Mistakes and doubts in `store` that no single value shows. A pure look at `Settings`."""

from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import urlsplit

from proxy.settings.addresses import is_loopback
from proxy.settings.document import Loc
from proxy.settings.model import Settings
from proxy.settings.store import Redis

Found: TypeAlias = Iterator[tuple[Loc, str]]
_HERE: Loc = ("store", "redis")


def store_mistakes(settings: Settings) -> Found:
    """What contradicts itself."""
    store = settings.store
    if store.redis is None:
        return
    if "sqlite" in store.model_fields_set:
        yield ("store",), "write sqlite or redis, not both: everything is kept in one place"
    yield from _place(store.redis)
    yield from _login(store.redis)
    yield from _tls(store.redis)


def store_doubts(settings: Settings) -> Found:
    """What crosses a network readable. Sessions are sealed; what the IdPs say about people is not."""
    redis = settings.store.redis
    if redis is not None and not _is_private(redis):
        yield (
            _HERE,
            "people's names, addresses and groups cross the network readable: use TLS (rediss://, or tls)",
        )


def _place(redis: Redis) -> Found:
    named = [name for name in ("url", "sentinel", "cluster") if getattr(redis, name) is not None]
    if len(named) != 1:
        yield _HERE, "name the server by exactly one of url, sentinel and cluster"
    if redis.cluster is not None and redis.database:
        yield (*_HERE, "database"), "a Cluster has only database 0"


def _login(redis: Redis) -> Found:
    if redis.username is not None and redis.password is None:
        yield (*_HERE, "username"), "a user needs a password beside it"
    sentinel = redis.sentinel
    if sentinel is not None and sentinel.username is not None and sentinel.password is None:
        yield (*_HERE, "sentinel", "username"), "a user needs a password beside it"


def _tls(redis: Redis) -> Found:
    if redis.tls is None:
        return
    if redis.url is not None and not redis.url.startswith("rediss:"):
        yield (*_HERE, "tls"), "this url is without TLS: write rediss://host:port"
    if (redis.tls.cert_file is None) != (redis.tls.key_file is None):
        yield (*_HERE, "tls"), "cert_file and key_file belong together"


def _is_private(redis: Redis) -> bool:
    """Whether nobody between reads along: TLS, a unix socket, or this machine alone."""
    if redis.tls is not None or (redis.url is not None and redis.url.startswith(("rediss:", "unix:"))):
        return True
    nodes = [one for group in (redis.sentinel, redis.cluster) if group is not None for one in group.nodes]
    hosts = [one.host for one in nodes] or [urlsplit(redis.url or "").hostname or ""]
    return all(map(is_loopback, hosts))
