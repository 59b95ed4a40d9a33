"""The listening sockets, which outlive whoever serves them.

They are bound here once and handed out as duplicates: all who serve share one accept queue in the kernel. So a connection that
waits in it is taken by whoever is there, also while one generation of servers goes and the next comes. (With SO_REUSEPORT each
server has a queue of its own, and what waits in it is reset when that server closes.)

Bound is not listening: that begins with the first server, so nobody connects to a program that cannot start.
"""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from proxy.errors import Problem, SettingsError
from proxy.settings.addresses import Address, SocketFile
from proxy.settings.listening_checks import ops_addresses
from proxy.settings.model import Settings

Door: TypeAlias = Address | SocketFile
_Key: TypeAlias = tuple[str, int]

_PRIVATE: Final = 0o177
"""The umask while a Unix socket is made: until its mode is set, only the owner may connect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The sockets of one configuration, bound. `ops` has one entry a worker, or none."""

    public: tuple[socket.socket, ...]
    redirect: tuple[socket.socket, ...] = ()
    ops: tuple[tuple[socket.socket, ...], ...] = ()


class Doors:
    """What is bound, by the address as it is written. Close it before the servers drain: then nobody new waits in vain."""

    def __init__(self) -> None:
        self._bound: dict[_Key, tuple[socket.socket, ...]] = {}
        self._files: dict[str, int] = {}

    def open(self, settings: Settings) -> Opened:
        """The sockets of these settings: bound already, or new. Raises SettingsError; then all is as before."""
        before = set(self._bound)
        wanted = list(_wanted(settings))
        try:
            found = [self._bind(path, key, door, settings.socket_mode) for path, key, door in wanted]
        except SettingsError:
            self._close(set(self._bound) - before)
            raise
        by_path = [(path, bound) for (path, _, _), bound in zip(wanted, found, strict=True)]
        return Opened(
            public=tuple(own for path, bound in by_path if path == "listen" for own in bound),
            redirect=tuple(own for path, bound in by_path if path == "redirect_http" for own in bound),
            ops=tuple(bound for path, bound in by_path if path == "ops_listen"),
        )

    def keep(self, settings: Settings) -> None:
        """Closes what these settings do not name. Whoever still serves it has a duplicate."""
        self._close(set(self._bound) - {key for _, key, _ in _wanted(settings)})

    def close(self) -> None:
        """Closes all, and takes the files of Unix sockets away."""
        self._close(set(self._bound))

    def abandon(self) -> None:
        """In a forked process, once it has duplicates: the files are the parent's to take away."""
        for bound in self._bound.values():
            for own in bound:
                own.close()
        self._bound.clear()

    def _bind(self, path: str, key: _Key, door: Door, mode: int) -> tuple[socket.socket, ...]:
        known = self._bound.get(key)
        if known is None:
            try:
                known = self._bound[key] = _bound(door, mode)
            except OSError as error:
                raise _taken(path, door, error) from None
            if isinstance(door, SocketFile):
                self._files[door.path] = os.stat(door.path).st_ino
        elif isinstance(door, SocketFile):
            os.chmod(door.path, mode)
        return known

    def _close(self, keys: set[_Key]) -> None:
        for key in keys:
            for own in self._bound.pop(key):
                path = own.getsockname() if own.family == socket.AF_UNIX else None
                own.close()
                if path is not None:
                    _remove(path, self._files.pop(path, None))


def duplicates(bound: tuple[socket.socket, ...]) -> list[socket.socket]:
    """For one server, which closes them."""
    return [own.dup() for own in bound]


def _wanted(settings: Settings) -> Iterator[tuple[str, _Key, Door]]:
    """Setting, key and address; of several equal addresses (port 0) each has a key of its own."""
    seen: dict[str, int] = {}
    redirect = [settings.redirect_http] if settings.redirect_http else []
    listed: tuple[tuple[str, list[Door]], ...] = (
        ("ops_listen", list(ops_addresses(settings))),
        ("listen", list(settings.listen)),
        ("redirect_http", list(redirect)),
    )
    for path, doors in listed:
        for door in doors:
            name = f"{path} {door}" if isinstance(door, Address) and door.port == 0 else str(door)
            seen[name] = seen.get(name, 0) + 1
            yield path, (name, seen[name]), door


def _bound(door: Door, mode: int) -> tuple[socket.socket, ...]:
    return (_unix(door.path, mode),) if isinstance(door, SocketFile) else _tcp(door)


def _tcp(address: Address) -> tuple[socket.socket, ...]:
    """One for each address that the name has. Raises OSError."""
    infos = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as undone:
        made = []
        for family, kind, protocol, _, name in dict.fromkeys(infos):
            own = undone.enter_context(socket.socket(family, kind, protocol))
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            own.bind(name)
            own.setblocking(False)
            made.append(own)
        undone.pop_all()
    return tuple(made)


def _unix(path: str, mode: int) -> socket.socket:
    """Takes the place of a file that a program left behind, never of one that somebody serves. Raises OSError."""
    if _is_served(path):
        raise OSError(errno.EADDRINUSE, "somebody serves this socket")
    own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(_PRIVATE)
    try:
        own.bind(path)
        os.chmod(path, mode)
        own.setblocking(False)
    except BaseException:
        own.close()
        raise
    finally:
        os.umask(before)
    return own


def _is_served(path: str) -> bool:
    """Whether anybody accepts there. A socket that nobody serves is removed; any other file is left to `bind` to refuse."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            if stat.S_ISSOCK(os.stat(path).st_mode):
                os.unlink(path)
            return False
        except OSError:
            return False
        return True


def _remove(path: str, inode: int | None) -> None:
    """Unless somebody else's socket stands there by now."""
    with contextlib.suppress(OSError):
        if os.stat(path).st_ino == inode:
            os.unlink(path)


def _taken(path: str, door: Door, error: OSError) -> SettingsError:
    where = "there" if isinstance(door, SocketFile) else "on this port"
    message = f"cannot listen there ({door}): {error.strerror or error}; is another program {where}?"
    return SettingsError((Problem(path=path, line=None, message=message),))
