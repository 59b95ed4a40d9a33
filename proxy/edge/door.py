"""The door of a TLS listener: who comes is counted and limited before the handshake, not after it.

    accepted ─▶ shaking hands ─▶ ClientConnection
        └── turned away     └── gone: refused, broken off, or too slow

A server that shakes hands by itself tells of a connection only afterwards. Those that never finish would be counted by nobody,
and one client could hold as many as the process may have files open.
"""

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from proxy.edge.client import ClientConnection
from proxy.edge.refused import HeadAnswer

if TYPE_CHECKING:
    from proxy.edge.plane import Plane

ACCEPTED_AT_ONCE: Final = 128
"""In one turn of the loop: other processes may share the queue."""

PAUSE: Final = 0.5
"""Seconds without accepting, once the process or the machine has no file left to open."""

SHUTDOWN: Final = 24 * 3600.0
"""Seconds that TLS may take to end: no limit of its own, since it would not ask who still reads. The client's deadlines do."""


class Door:
    """A listening socket that speaks TLS; to its listener it is what an `asyncio.Server` is."""

    def __init__(self, plane: "Plane", tls: ssl.SSLContext, listening: socket.socket, backlog: int) -> None:
        self._plane = plane
        self._tls = tls
        self._socket = listening
        self._is_open = True
        listening.setblocking(False)
        listening.listen(backlog)
        self._listen()

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        return (self._socket,) if self._is_open else ()

    def is_serving(self) -> bool:
        """Whether new connections are taken."""
        return self._is_open

    def close(self) -> None:
        """Accepts nobody more; the handshakes that began go on."""
        if self._is_open:
            self._is_open = False
            self._plane.loop.remove_reader(self._socket)
            self._socket.close()

    def _listen(self) -> None:
        if self._is_open:
            self._plane.loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                came, address = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue
            except OSError as error:
                self._plane.report(error)
                self._plane.loop.remove_reader(self._socket)
                self._plane.loop.call_later(PAUSE, self._listen)
                return
            came.setblocking(False)
            Entrant(self._plane, came, address[0]).begin(self._tls)


class Entrant:
    """One who was accepted and shakes hands; `plane.entrants` has it by the client that it will be."""

    __slots__ = ("_client", "_counted", "_peer", "_plane", "_socket", "_task")

    def __init__(self, plane: "Plane", came: socket.socket, peer: str) -> None:
        self._plane = plane
        self._socket = came
        self._peer = peer
        self._client = ClientConnection(plane)
        self._counted: str | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, tls: ssl.SSLContext) -> None:
        """Shakes hands, unless there are too many."""
        plane = self._plane
        if self._may_enter():
            plane.entrants[self._client] = self
            self._task = plane.loop.create_task(self._shake_hands(tls))
        else:
            plane.figures.refused_connections += 1
            self._socket.close()

    def _may_enter(self) -> bool:
        """Room is made last: for whoever is refused for its own sake nobody gives way."""
        plane = self._plane
        if plane.is_shut:
            return False
        entered = None if plane.trust.believes(self._peer) else plane.crowd.enter(self._peer)
        if isinstance(entered, bool):
            return False
        self._counted = entered
        if plane.is_full():
            self.leave()
            return False
        return True

    async def _shake_hands(self, tls: ssl.SSLContext) -> None:
        limits = self._plane.limits
        try:
            await self._plane.loop.connect_accepted_socket(
                lambda: self._client,
                self._socket,
                ssl=tls,
                ssl_handshake_timeout=limits.header_timeout,
                ssl_shutdown_timeout=SHUTDOWN,
            )
        except ssl.SSLError:
            self._socket.close()
            self._refused()
        except OSError:  # broken off, or too slow: there is nobody to tell
            self._socket.close()
        except Exception as error:
            self._socket.close()
            self._plane.report(error)
        finally:
            self.leave()

    def _refused(self) -> None:
        """No TLS, or none that both sides take: an operator whose client fails finds it in the access log."""
        self._plane.figures.malformed += 1
        if self._plane.access is not None:
            self._plane.access.without_exchange(HeadAnswer(self._peer, None, None, 0, 0, "no TLS handshake"))

    def leave(self) -> None:
        """A client by now, who counts as one, or gone."""
        self._plane.entrants.pop(self._client, None)
        if self._counted is not None:
            self._plane.crowd.leave(self._counted)
            self._counted = None

    def abort(self) -> None:
        """Breaks it off: the handshake finds the end."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
