"""The listening sockets, which outlive whoever serves them.

They are bound here once and handed out as duplicates: all who serve share one accept queue in the kernel. So a connection that
waits in it is taken by whoever is there, also while one generation of servers goes and the next comes. (With SO_REUSEPORT each
server has a queue of its own, and what waits in it is reset when that server closes.)

Bound is not listening: that begins with the first server, so nobody connects to a program that cannot start. Sockets that a
supervisor passed on (`passed`) listen already, and go on when we do not.
"""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from proxy.app.passed import NONE, Name, name_of
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

    def __init__(self, passed: Mapping[Name, socket.socket] = NONE) -> None:
        """`passed`: sockets that a supervisor holds too, taken instead of binding our own there, and closed with the rest."""
        self._passed = dict(passed)
        self._bound: dict[_Key, tuple[socket.socket, ...]] = {}
        self._files: dict[str, int] = {}

    def open(self, settings: Settings) -> Opened:
        """The sockets of these settings: bound already, or new. Raises SettingsError; then all is as before."""
        before = set(self._bound)
        wanted = list(_wanted(settings))
        try:
            found = [self._bind(path, key, door, settings.socket_mode) for path, key, door in wanted]
            self._refuse_unnamed(found)
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
        self._close_passed()

    def abandon(self) -> None:
        """In a forked process, once it has duplicates: the files are the parent's to take away."""
        for bound in self._bound.values():
            for own in bound:
                own.close()
        self._bound.clear()
        self._close_passed()

    def _close_passed(self) -> None:
        for own in self._passed.values():
            own.close()
        self._passed.clear()

    def _refuse_unnamed(self, found: list[tuple[socket.socket, ...]]) -> None:
        """Whoever connects to a socket that nobody accepts from waits for ever."""
        unnamed = self._passed.keys() - {name_of(own) for bound in found for own in bound}
        if unnamed:
            listed = ", ".join(sorted(_written(name) for name in unnamed))
            message = f"{listed}: this socket was passed on (LISTEN_FDS), and no setting listens there; write it as it is here"
            raise SettingsError((Problem(path="listen", line=None, message=message),))

    def _bind(self, path: str, key: _Key, door: Door, mode: int) -> tuple[socket.socket, ...]:
        known = self._bound.get(key)
        if known is None:
            try:
                known = self._bound[key] = _bound(door, mode, self._passed)
            except OSError as error:
                raise _taken(path, door, error) from None
            if isinstance(door, SocketFile) and door.path not in self._passed:
                self._files[door.path] = os.stat(door.path).st_ino
        elif isinstance(door, SocketFile) and door.path in self._files:
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


def _bound(door: Door, mode: int, passed: Mapping[Name, socket.socket]) -> tuple[socket.socket, ...]:
    if isinstance(door, Address):
        return _tcp(door, passed)
    return (passed[door.path].dup() if door.path in passed else _unix(door.path, mode),)


def _written(name: Name) -> str:
    return str(SocketFile(path=name) if isinstance(name, str) else Address(host=name[0], port=name[1]))


def _tcp(address: Address, passed: Mapping[Name, socket.socket]) -> tuple[socket.socket, ...]:
    """One for each address that the name has. Raises OSError."""
    infos = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as undone:
        made = []
        for family, kind, protocol, _, name in dict.fromkeys(infos):
            if (one := passed.get((str(name[0]), int(name[1])))) is not None:
                made.append(undone.enter_context(one.dup()))
                continue
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
