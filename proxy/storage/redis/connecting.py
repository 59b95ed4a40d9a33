"""Opens one connection: TCP, TLS or a unix socket, signed in. The library speaks the protocol (RESP2: plain lists and bytes).

The library's own time-outs and retries are off: the engine bounds a call as a whole, and knows what may be sent twice.
"""

import os
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import NoScriptError, ResponseError

from proxy.storage.redis.faults import Refused, fault_of
from proxy.storage.redis.place import Endpoint, Login, Socket, Tls

Argument: TypeAlias = str | bytes | int | float
Command: TypeAlias = Sequence[Argument]
Reply: TypeAlias = Any


class Dialler:
    """Opens connections with one login and one kind of TLS; both are read again when their files change."""

    def __init__(self, login: Login, tls: Tls | None, *, database: int = 0) -> None:
        self._login = login
        self._context = None if tls is None else _WatchedContext(tls)
        self._database = database

    async def open(self, endpoint: Endpoint) -> AbstractConnection:
        """A connection that the server has let in. Raises Fault; cancelled, it leaves nothing open."""
        connection = self._make(endpoint)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]  # the library's
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error, Exception):
                raise fault_of(error) from error
            raise
        return connection

    def _make(self, endpoint: Endpoint) -> AbstractConnection:
        password = self._login.password
        options: dict[str, Any] = {
            "protocol": 2,
            "db": self._database,
            "username": self._login.username,
            "password": None if password is None else password(),
            "socket_timeout": None,
            "socket_connect_timeout": None,
        }
        if isinstance(endpoint, Socket):
            return UnixDomainSocketConnection(path=endpoint.path, **options)
        options |= {"host": endpoint.host, "port": endpoint.port}
        if self._context is None:
            return Connection(**options)
        secured = SSLConnection(**options)
        secured.ssl_context.context = self._context.now()
        return secured


async def exchange(connection: AbstractConnection, commands: Sequence[Command]) -> list[Reply]:
    """The replies, in order, once all are read; an error reply is raised then, the first of them. Raises Fault, and
    NoScriptError for a script that the server does not hold.

    Whoever calls it gives the connection back only if it returned, or raised NoScriptError.
    """
    try:
        await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        replies = [await _reply(connection) for _ in commands]
    except Exception as error:
        raise fault_of(error) from error
    for reply in replies:
        if isinstance(reply, NoScriptError):
            raise reply
        if isinstance(reply, ResponseError):
            raise fault_of(reply)
    return replies


async def _reply(connection: AbstractConnection) -> Reply:
    """One reply, an error reply as a value: those behind it are still to be read."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


class _WatchedContext:
    """The TLS context, made again when one of its files changes: certificates are renewed without a restart."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._seen = self._marks()
        self._context = make_context(tls)

    def now(self) -> ssl.SSLContext:
        """The newest that could be made; half a rotation must not cut the store off."""
        try:
            seen = self._marks()
            if seen != self._seen:
                self._context, self._seen = make_context(self._tls), seen
        except (OSError, Refused):
            return self._context
        return self._context

    def _marks(self) -> tuple[tuple[int, int], ...]:
        files = (self._tls.ca_file, self._tls.cert_file, self._tls.key_file)
        return tuple(_mark(path) for path in files if path is not None)


def _mark(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_ino


def make_context(tls: Tls) -> ssl.SSLContext:
    """Checks chain and name; TLS 1.2 or later. Raises Refused with a sentence that names the file."""
    try:
        context = ssl.create_default_context(cafile=None if tls.ca_file is None else str(tls.ca_file))
    except (OSError, ssl.SSLError):
        raise Refused(f"{tls.ca_file} holds no certificate authority") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert_file is not None:
        try:
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")
        except (OSError, ssl.SSLError):
            raise Refused(f"{tls.cert_file} and its key are no usable pair") from None
    return context
