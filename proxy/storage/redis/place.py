"""Where the store is and how it is reached: one server, a group watched by Sentinels, or a Cluster."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

DEFAULT_TIMEOUT: Final = 1.0
DEFAULT_CONNECTIONS: Final = 32
DEFAULT_PREFIX: Final = "muster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A TCP address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """A unix socket."""

    path: str

    def __str__(self) -> str:
        return self.path


Endpoint: TypeAlias = Address | Socket


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An ACL user and the reader of its password; without a user name it is the default user's."""

    username: str | None = None
    password: Callable[[], str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What a TLS connection is checked with, and the client certificate; without `ca_file` the system's authorities count."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """One server, always at the same place; `database` is its number."""

    endpoint: Endpoint
    database: int = 0

    def __str__(self) -> str:
        return str(self.endpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A master and its replicas, watched by Sentinels that say who is master now; Sentinels have a login of their own."""

    sentinels: tuple[Address, ...]
    master: str
    login: Login = Login()
    database: int = 0

    def __str__(self) -> str:
        return f"{self.master} at Sentinel {self.sentinels[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Cluster; any of the nodes says which one serves our slot."""

    nodes: tuple[Address, ...]

    def __str__(self) -> str:
        return f"Cluster at {self.nodes[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Everything that is needed to reach the store."""

    at: Single | Watched | Cluster
    prefix: str = DEFAULT_PREFIX
    login: Login = Login()
    tls: Tls | None = None
    timeout: float = DEFAULT_TIMEOUT
    connections: int = DEFAULT_CONNECTIONS
