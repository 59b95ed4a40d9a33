"""An accepted connection, but for what is said on it: who the client is, what is written, held back, tunnelled, and how it ends.

`client.py` adds the parsing and the exchanges; `phase.py` names the phases, which only these two files change.
"""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Final

from proxy.edge.exchange import Exchange
from proxy.edge.inbox import Inbox
from proxy.edge.phase import CLOSED, IDLE, LINGER, NEW, PREAMBLE, TUNNEL
from proxy.edge.preamble import Malformed, read_preamble
from proxy.edge.refused import HeadAnswer
from proxy.edge.taken import Taken, taken
from proxy.gate.decision import Request
from proxy.gate.fields import forwarding_lines

if TYPE_CHECKING:
    from proxy.edge.plane import Plane

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Accepted(asyncio.Protocol):
    """`deadline` is loop time; whoever waits for something sets it. `peer` is the address on the connection, or the one that
    the PROXY protocol names; a request's own `peer` is what a trusted proxy says of it."""

    __slots__ = (
        "_acknowledged_at", "_counted", "_forwarding", "_hops", "_inbox", "_is_reading_paused", "_phase", "_plane",
        "_stuck_at", "_transport", "deadline", "exchange", "is_trusted", "is_write_paused", "peer",
    )  # fmt: skip

    def __init__(self, plane: "Plane") -> None:
        self._plane = plane
        self._phase = NEW
        self._inbox = Inbox()
        self._is_reading_paused = False
        self._stuck_at = self._acknowledged_at = 0
        self._forwarding: tuple[bytes | None, bytes] | None = None
        self._hops: bytes | None = None
        self.is_trusted = False
        self._counted: str | None = None
        self._transport: asyncio.Transport
        self.exchange: Exchange | None = None
        self.is_write_paused = False
        self.deadline = 0.0
        self.peer = ""

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepted, unless there are too many, or it was reset already: what it sent can still be read, whose it is cannot."""
        self._transport = transport  # type: ignore[assignment]  # a stream socket has a full transport
        plane = self._plane
        name = transport.get_extra_info("peername")
        if name is not None:
            self.peer = name[0] if isinstance(name, tuple) else "unix"
            self.is_trusted = plane.trust.believes(self.peer)
        if name is None or not self._may_come():
            plane.figures.refused_connections += 1
            self._phase = CLOSED
            self._transport.abort()
            return
        if plane.expects_preamble:
            self._phase = PREAMBLE
        self.deadline = plane.now + plane.limits.header_timeout

    def pause_writing(self) -> None:
        """The client reads slower than the app sends."""
        self.is_write_paused = True
        self._took()
        if self.exchange is not None:
            self.exchange.client_writable(is_writable=False)

    def resume_writing(self) -> None:
        """The client read on."""
        self.is_write_paused = False
        if self.exchange is not None:
            self.exchange.client_writable(is_writable=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone; an exchange under way is abandoned."""
        self._phase = CLOSED
        self._inbox.clear()
        if self._counted is not None:
            self._plane.crowd.leave(self._counted)
            self._counted = None
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.abandon()

    def _may_come(self) -> bool:
        """Room is made last: for whoever is refused for its own sake nobody gives way."""
        plane = self._plane
        if plane.is_shut:
            return False
        is_welcome = self.is_trusted if plane.expects_preamble else self._enter_crowd()
        return is_welcome and not plane.is_full()

    def _enter_crowd(self) -> bool:
        """Whether this client may have one more connection; a trusted proxy, which speaks for many, may."""
        entered = None if self.is_trusted else self._plane.crowd.enter(self.peer)
        if isinstance(entered, bool):
            return False
        self._counted = entered
        return True

    # Who the client is, when a trusted proxy stands between.

    def _preamble_read(self, data: bytes) -> bytes:
        """What follows the PROXY protocol's header; empty while it is not whole, or when there is none."""
        self._inbox.add(data)
        data = self._inbox.taken()
        found = read_preamble(data)
        if found is None:
            self._inbox.add(data)
            return b""
        if isinstance(found, Malformed):
            self._refuse_preamble("no PROXY header")
            return b""
        self._phase = NEW
        if found.peer is not None:
            self.peer = found.peer
            self.is_trusted = self._plane.trust.believes(found.peer)
            if not self._enter_crowd():
                self._plane.figures.refused_connections += 1
                self.abort()
                return b""
        return data[found.size :]

    def _refuse_preamble(self, why: str) -> None:
        """Whoever should speak the PROXY protocol first does not: nothing is answered, and the log says so."""
        self._plane.figures.malformed += 1
        self.tell(HeadAnswer(self.peer, None, None, 0, 0, why))
        self.abort()

    def tell(self, answered: HeadAnswer) -> None:
        """To the access log: of no exchange."""
        if self._plane.access is not None:
            self._plane.access.without_exchange(answered)

    def _name_client(self, request: Request) -> None:
        """The client as a trusted peer names it."""
        found = self._plane.trust.client(self.peer, request.names, request.headers)
        request.peer = found.address
        self._hops = found.hops

    def write(self, data: bytes) -> None:
        """To the client."""
        self._transport.write(data)

    def forwarding(self, host: bytes | None) -> bytes:
        """The forwarding lines of this connection; rendered again only when the Host changes, or a proxy speaks for many."""
        if self.is_trusted:
            return forwarding_lines(self.peer, self._plane.scheme, host, earlier=self._hops)
        known = self._forwarding
        if known is None or known[0] != host:
            known = self._forwarding = (host, forwarding_lines(self.peer, self._plane.scheme, host))
        return known[1]

    # A tunnel: what comes is for the app, unparsed.

    def tunnel_began(self) -> None:
        """What the client sent before it heard that the app agreed is the app's."""
        self._phase = TUNNEL
        early = self._inbox.taken()
        self.hold_reading(is_held=False)
        if early:
            self._into_tunnel(early)

    def _into_tunnel(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is not None and exchange.tunnel is not None:
            exchange.tunnel.client_sent(data)

    def hold_reading(self, *, is_held: bool) -> None:
        """Stops or goes on reading from the client."""
        if is_held is not self._is_reading_paused and self._phase is not CLOSED:
            self._is_reading_paused = is_held
            if is_held:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def tunnel_ended(self) -> None:
        """The app closed it: the client gets what is on its way, then the end."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.abandon()
            self._close()

    # How it ends.

    def _close(self) -> None:
        """Closes once the answer is flushed."""
        self._phase = LINGER
        self.deadline = self._plane.now + self._plane.limits.write_timeout
        self._inbox.clear()
        self._took()
        self._transport.close()

    def _linger(self) -> None:
        """Reads on for a while without looking, so that a reset does not overtake the answer (RFC 9112 §9.6)."""
        self._phase = LINGER
        self.deadline = self._plane.now + self._plane.limits.linger
        self._inbox.clear()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def abort(self) -> None:
        """Ends the connection with a reset: whatever the client has is not whole."""
        if self._phase is CLOSED:
            return
        self._phase = CLOSED
        own = self._transport.get_extra_info("socket")
        if own is not None and own.family in (socket.AF_INET, socket.AF_INET6):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.abandon()

    def waiting_since(self) -> float | None:
        """Loop time since which it asked nothing; None while a request comes or is under way, or its answer is not taken yet."""
        limits = self._plane.limits
        if self._phase is IDLE:
            is_taken = self._transport.get_write_buffer_size() == 0
            return self.deadline - limits.idle_timeout if is_taken else None
        return self.deadline - limits.header_timeout if self._phase is NEW else None

    def give_way(self) -> bool:
        """Closes at once, without a word: nothing was asked. False, and stays: what was asked last is not taken yet."""
        if not self._is_taken():
            return False
        self._phase = CLOSED
        self._plane.clients.discard(self)
        self._transport.abort()
        return True

    def _is_taken(self) -> bool:
        """Whether nothing waits any more to be read by the client."""
        known = self._known_taken()
        return self._transport.get_write_buffer_size() == 0 and (known is None or known.is_all)

    def _known_taken(self) -> Taken | None:
        """What the kernel says, under TLS, where the transport says too little."""
        own = self._transport.get_extra_info("socket")
        is_sealed = self._transport.get_extra_info("ssl_object") is not None
        return taken(own) if is_sealed and own is not None else None

    def _took(self) -> int:
        """Bytes that the client took since this was asked last: when writing was paused, when it was closed, or at a deadline."""
        size, known = self._transport.get_write_buffer_size(), self._known_taken()
        took, self._stuck_at = self._stuck_at - size, size
        if known is not None:
            took = max(took, known.acknowledged - self._acknowledged_at)
            self._acknowledged_at = known.acknowledged
        return took

    def _is_moving(self) -> bool:
        """Whether that was enough."""
        return self._took() >= self._plane.limits.least_read

    def _is_leaving(self) -> bool:
        """Whether it was closed, and its client still takes what was written before."""
        return self._transport.is_closing() and not self._is_taken() and self._is_moving()

    def drain(self) -> None:
        """No further request: closes now when nothing is under way, and nothing was read that still waits to be looked at."""
        if self._phase in (NEW, PREAMBLE) or (self._phase is IDLE and not self._inbox.data):
            is_taken = self._is_taken()
            self._close()
            if is_taken:
                # Nothing can be lost; under TLS a client that is not there any more never says that it heard of the end.
                self.deadline = self._plane.now + self._plane.limits.linger

    def end_session(self, key: str) -> None:
        """Cuts the exchange that runs for this session."""
        if self.exchange is not None and self.exchange.session == key:
            self.abort()
