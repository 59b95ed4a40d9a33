"""A WebSocket after its handshake: bytes both ways until one side ends, the session ends, or nothing moves for too long.

- The client's side stays its connection's: it counts, it is drained and cut like any other. The app's side is `FromApp`.
- Back-pressure both ways: a side that cannot be written to stops the other from being read. Nothing is kept but what the
  transports hold.
- What the app sent before it closed reaches the client. Frames are not looked at: a cut is a cut, as a network's would be.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from proxy.edge.upstream import UpstreamConnection

if TYPE_CHECKING:
    from proxy.edge.client import ClientConnection
    from proxy.edge.plane import Plane

FLUSH_SECONDS: Final = 2.0
"""How long the last bytes to an app may take once its client is gone."""


class Tunnel:
    """The two sides. `received` and `sent` count bytes from and to the client."""

    __slots__ = ("_app", "_client", "_is_app_full", "_plane", "received", "sent")

    def __init__(self, client: "ClientConnection", upstream: UpstreamConnection, plane: "Plane") -> None:
        self._client = client
        self._plane = plane
        self._app = upstream.transport
        self._is_app_full = False
        self.received = self.sent = 0
        upstream.hand_over(FromApp(self))
        self.arm()

    def client_sent(self, data: bytes) -> None:
        """To the app."""
        self.received += len(data)
        self._app.write(data)
        self.arm()

    def app_sent(self, data: bytes) -> None:
        """To the client."""
        self.sent += len(data)
        self._client.write(data)
        self.arm()

    def client_writable(self, *, is_writable: bool) -> None:
        """Back-pressure on what the app sends."""
        if is_writable:
            self._app.resume_reading()
        else:
            self._app.pause_reading()
        self.arm()

    def app_writable(self, *, is_writable: bool) -> None:
        """Back-pressure on what the client sends."""
        self._is_app_full = not is_writable
        self._client.hold_reading(is_held=not is_writable)
        self.arm()

    def app_lost(self) -> None:
        """The app ended; what it sent is on its way."""
        self._client.tunnel_ended()

    def leave(self) -> None:
        """The client is gone: the app gets what was sent to it, and is closed."""
        if not self._app.is_closing():
            self._app.close()
            self._plane.loop.call_later(FLUSH_SECONDS, self._app.abort)

    def arm(self) -> None:
        """Sets the client connection's deadline: a side that does not read is given less time than two that are silent."""
        plane, client = self._plane, self._client
        is_stuck = client.is_write_paused or self._is_app_full
        seconds = plane.limits.write_timeout if is_stuck else plane.websockets.idle_timeout
        client.deadline = plane.now + seconds


class FromApp(asyncio.Protocol):
    """The app's side of a tunnel."""

    __slots__ = ("_tunnel",)

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    def data_received(self, data: bytes) -> None:
        self._tunnel.app_sent(data)

    def pause_writing(self) -> None:
        self._tunnel.app_writable(is_writable=False)

    def resume_writing(self) -> None:
        self._tunnel.app_writable(is_writable=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._tunnel.app_lost()
