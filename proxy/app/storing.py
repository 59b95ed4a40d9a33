"""The store as the program sees it, and the one place that knows which engines there are."""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote, urlsplit

from proxy.gate.ports import JointStore
from proxy.provisioning.leases import NamedLeases
from proxy.provisioning.outbox import Bindings, GuardLedger, Outbox, SharedCounters
from proxy.provisioning.rulings import Rulings
from proxy.session.codec import KeyRing
from proxy.session.store import SessionStore
from proxy.settings.addresses import Address as Node
from proxy.settings.model import Settings
from proxy.settings.secrets import SecretRef
from proxy.settings.store import REDIS_PORT, Redis
from proxy.storage.audit import AuditTrail
from proxy.storage.redis.place import Address, Cluster, Endpoint, Login, Place, Single, Socket, Tls, Watched
from proxy.storage.sqlite.store import open_store as open_sqlite


class Ledger(GuardLedger, SharedCounters, Protocol):
    """The guard's ledger and the shared counters, which every engine gives as one."""


class Store(Protocol):
    """Everything Muster keeps, whatever the engine: `storage/sqlite/store.py`, `storage/redis/store.py`."""

    @property
    def sessions(self) -> SessionStore: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def bindings(self) -> Bindings: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def joint(self) -> JointStore: ...
    @property
    def leases(self) -> NamedLeases: ...
    @property
    def rulings(self) -> Rulings: ...
    @property
    def audit(self) -> AuditTrail: ...

    async def clean(self, now: float) -> None:
        """Forget what time has made meaningless; to be called every minute or so."""

    async def count_unreadable(self) -> int:
        """Sessions sealed under keys that the ring does not hold: people who will have to sign in again."""

    async def close(self) -> None:
        """Finish what waits; later calls raise Unavailable."""


async def open_store(settings: Settings, ring: KeyRing) -> Store:
    """The store that the settings name. Raises SettingsError for one that cannot be used as it is configured.

    A Redis that cannot be reached is none of these: it may be there in a minute, and until then calls raise Unavailable.
    """
    redis = settings.store.redis
    if redis is None:
        return open_sqlite(settings.store.sqlite, ring)
    from proxy.storage.redis.store import open_store as open_redis  # noqa: PLC0415 -- heavy: only where it is configured

    return await open_redis(place_of(redis), ring)


def place_of(redis: Redis) -> Place:
    """The settings' `store.redis` as the engine takes it."""
    return Place(
        at=_at(redis),
        prefix=redis.prefix,
        login=Login(username=redis.username, password=_reader(redis.password)),
        tls=_tls(redis),
        timeout=redis.timeout,
        connections=redis.connections,
    )


def _at(redis: Redis) -> Single | Watched | Cluster:
    if redis.sentinel is not None:
        watching = redis.sentinel
        login = Login(username=watching.username, password=_reader(watching.password))
        nodes = tuple(map(_address, watching.nodes))
        return Watched(sentinels=nodes, master=watching.master, login=login, database=redis.database)
    if redis.cluster is not None:
        return Cluster(nodes=tuple(map(_address, redis.cluster.nodes)))
    return Single(endpoint=_endpoint(redis.url or ""), database=redis.database)


def _endpoint(url: str) -> Endpoint:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return Socket(path=unquote(parts.path))
    return Address(host=parts.hostname or "", port=parts.port or REDIS_PORT)


def _address(node: Node) -> Address:
    return Address(host=node.host, port=node.port)


def _reader(secret: SecretRef | None) -> Callable[[], str] | None:
    return None if secret is None else secret.reader()


def _tls(redis: Redis) -> Tls | None:
    files = redis.tls
    if files is not None:
        return Tls(ca_file=files.ca_file, cert_file=files.cert_file, key_file=files.key_file)
    return Tls() if (redis.url or "").startswith("rediss:") else None
