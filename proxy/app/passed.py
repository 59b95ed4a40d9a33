"""Listening sockets that were passed on: whoever keeps them over our restart keeps their queue, and nobody is refused."""

import os
import socket
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from proxy.errors import Problem, SettingsError

Name: TypeAlias = tuple[str, int] | str
"""Address and port, or a Unix socket's path."""

NONE: Final[Mapping[Name, socket.socket]] = MappingProxyType({})


def name_of(own: socket.socket) -> Name:
    """Where it listens."""
    name = own.getsockname()
    return (name[0], name[1]) if isinstance(name, tuple) else os.fsdecode(name)


def passed_sockets(descriptors: Iterable[int]) -> dict[Name, socket.socket]:
    """By where they listen. Raises SettingsError for one that does not."""
    found = [_listening(descriptor) for descriptor in descriptors]
    return {name_of(own): own for own in found}


def _listening(descriptor: int) -> socket.socket:
    """Not for what we fork and execute, and never blocking: whoever shares it must not keep us waiting in accept."""
    try:
        own = socket.socket(fileno=descriptor)
    except OSError as error:
        raise _no_listener(descriptor, error.strerror or str(error)) from None
    if own.type != socket.SOCK_STREAM or not own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        own.detach()
        raise _no_listener(
            descriptor, "it does not listen for connections (in systemd: ListenStream=, Accept=no)"
        )
    own.set_inheritable(False)
    own.setblocking(False)
    return own


def _no_listener(descriptor: int, why: str) -> SettingsError:
    message = f"descriptor {descriptor} was passed on and is of no use: {why}"
    return SettingsError((Problem(path="LISTEN_FDS", line=None, message=message),))
