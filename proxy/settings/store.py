"""Where everything is kept: one SQLite file, or a Redis that several replicas share."""

import re
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from proxy.settings.addresses import Address, parse_address
from proxy.settings.durations import PositiveDuration
from proxy.settings.files import FileToRead, FileToWrite
from proxy.settings.secrets import Secret
from proxy.settings.section import Section, setting, written_as
from proxy.settings.text import Text

REDIS_PORT: Final = 6379

_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def check_redis_url(text: str) -> str:
    """`redis://host:port`, `rediss://host:port` or `unix:///path`, with nothing else in it."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("this is not a URL: host or port cannot be read") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL carries no user name or password: set username and password beside it")
    if parts.query or parts.fragment:
        raise ValueError("this URL must have neither a query (?) nor a fragment (#)")
    if parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1:
        return text
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("write redis://host:port, rediss://host:port (TLS) or unix:///path")
    if parts.path not in ("", "/"):
        raise ValueError("the database's number is no part of the URL: set database beside it")
    return text


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError("a prefix is at most 64 letters, digits, dots, hyphens or underscores")
    return text


def _nodes(value: object) -> tuple[Address, ...]:
    values = value if isinstance(value, (list, tuple)) else [value]
    if not values:
        raise ValueError("name at least one node, as host:port")
    return tuple(one if isinstance(one, Address) else parse_address(one) for one in values)


_ONE_NODE: Final[dict[str, Any]] = {"type": "string", "pattern": r":[0-9]{1,5}$"}

Nodes = Annotated[
    tuple[Address, ...],
    PlainValidator(_nodes),
    WithJsonSchema({"anyOf": [_ONE_NODE, {"type": "array", "items": _ONE_NODE}], "x-kind": "host:port"}),
]


class RedisTls(Section):
    """How the server is known, and how Muster shows itself; the files are read again when they change."""

    ca_file: FileToRead | None = setting(
        None, "The authorities that may have signed the server's certificate; null = the system's."
    )
    cert_file: FileToRead | None = setting(None, "Muster's own certificate, where the server wants one.")
    key_file: FileToRead | None = setting(None, "Its key, PEM without a password.")


class Sentinels(Section):
    """The Sentinels that know who is master."""

    nodes: Annotated[
        Nodes, Field(description="The Sentinels: host:port, or a list.", examples=["sentinel-0:26379"])
    ]
    master: Annotated[Text, Field(description="What they call the master.", examples=["mymaster"])]
    username: Text | None = setting(None, "The Sentinels' own ACL user.")
    password: Secret | None = setting(None, "The Sentinels' own password: {file: PATH} or {env: NAME}.")


class ClusterNodes(Section):
    """A Cluster. All keys of one installation are in one slot: the prefix decides which node has them."""

    nodes: Annotated[
        Nodes,
        Field(
            description="Some nodes: host:port, or a list; the others are heard of.",
            examples=["redis-0:6379"],
        ),
    ]


class Redis(Section):
    """A Redis (7 or later) or Valkey that several replicas share: exactly one of `url`, `sentinel` and `cluster`."""

    url: Annotated[str, AfterValidator(check_redis_url), written_as("URL")] | None = setting(
        None, "One server: redis://host:port, rediss://host:port (TLS) or unix:///path."
    )
    sentinel: Sentinels | None = setting(None, "A master and replicas, watched by Sentinels.")
    cluster: ClusterNodes | None = setting(None, "A Cluster.")
    prefix: Annotated[str, AfterValidator(_prefix)] = setting(
        "muster", "What all keys begin with; several Musters may share a server under prefixes of their own."
    )
    database: int = setting(0, "The database's number; a Cluster has only 0.", ge=0, le=65535)
    username: Text | None = setting(None, "The ACL user; null = the default user.")
    password: Secret | None = setting(None, "The user's password: {file: PATH} or {env: NAME}.")
    tls: RedisTls | None = setting(
        None, "TLS to Sentinels and Cluster nodes (`{}` = with the system's authorities), and its files."
    )
    timeout: PositiveDuration = setting("1s", "How long one call may take, whatever happens.")
    connections: int = setting(32, "The most connections of one process.", ge=2, le=1024)


class Store(Section):
    """Where sessions, bindings and the outbox are kept: a file of this machine, or a Redis that replicas share."""

    sqlite: FileToWrite = setting("./muster.db", "The SQLite file; made when absent. Not beside `redis`.")
    redis: Redis | None = setting(None, "A Redis or Valkey that several replicas share; null = SQLite.")
