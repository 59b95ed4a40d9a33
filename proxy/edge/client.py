"""A client's connection: parses heads, feeds bodies, holds one exchange at a time.

    (PREAMBLE ─▶) NEW ─▶ HEAD ─▶ BUSY ─▶ IDLE ─▶ HEAD …        any ─▶ LINGER ─▶ CLOSED
                                  └────▶ TUNNEL ─▶ CLOSED

Invariants (rules 1 and 3 of the data plane):
- One feed to llhttp never holds the end of one message and the beginning of the next (`inbox`). So no head is parsed before
  the exchange ahead of it ended, and what a client sends too early waits as bytes, with reading paused.
- Raw bytes of a head are counted as they are fed; nothing unbounded is ever collected.
- What is not read to its end is never followed by another request: the connection closes, after the answer had its chance.
"""

import asyncio
from typing import TYPE_CHECKING, Final

import httptools

from proxy.edge.accepted import Accepted
from proxy.edge.answer import CLOSE_LINE, render
from proxy.edge.exchange import Exchange
from proxy.edge.head import METHODS, LastHop, Parts, Rejection, judge
from proxy.edge.phase import BUSY, CLOSED, HEAD, IDLE, LINGER, PREAMBLE, TUNNEL
from proxy.edge.ports import Answer
from proxy.edge.refused import HeadAnswer, shown_path
from proxy.gate.decision import Deny, Kind
from proxy.gate.fields import Field
from proxy.reasons import Reason

if TYPE_CHECKING:
    from proxy.edge.plane import Plane


MOST_FRAMING: Final = 16
"""So many bytes on the wire may carry one byte of a chunked body, beyond `limits.header_bytes`."""

ALLOW: Final = b", ".join(sorted(METHODS))


class ClientConnection(Accepted):
    """One per accepted connection."""

    __slots__ = (
        "_body_raw",
        "_has_head",
        "_head_size",
        "_headers",
        "_is_message_done",
        "_is_pumping",
        "_is_upgrade",
        "_method",
        "_parser",
        "_parts",
        "_unread",
        "_url",
        "_version",
        "is_http11",
        "keeps_alive",
    )  # fmt: skip

    def __init__(self, plane: "Plane") -> None:
        super().__init__(plane)
        self._parser = httptools.HttpRequestParser(self)
        self._is_pumping = False
        self._expect_head()

    def _expect_head(self) -> None:
        self._url = b""
        self._headers: list[Field] = []
        self._unread: list[bytes] = []
        self._parts: list[bytes] = []
        self._head_size = self._body_raw = 0
        self._has_head = self._is_message_done = False
        self.keeps_alive = False
        self.is_http11 = True

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepted; it counts as long as it lives."""
        plane = self._plane
        plane.coming.pop(self, None)
        if plane.entrants and (entrant := plane.entrants.get(self)) is not None:
            entrant.leave()
        super().connection_made(transport)
        if self._phase is not CLOSED:
            plane.clients.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        self._plane.clients.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes what came; feeds as much as may be fed now."""
        phase = self._phase
        if phase is LINGER or phase is CLOSED:
            return
        if phase is PREAMBLE:
            data = self._preamble_read(data)
            if not data:
                return
        if self.exchange is None and not self.is_write_paused and self._inbox.is_whole_head(data):
            # The common case: one request without a body, in one read.
            try:
                if not self._recall(data):
                    self._feed(data)
            except Exception as error:
                self.broken(error)
        elif phase is TUNNEL:
            self._into_tunnel(data)
        else:
            self._inbox.add(data)
            self.pump()

    def resume_writing(self) -> None:
        """The client read on: what it sent meanwhile is looked at."""
        super().resume_writing()
        if self._phase is IDLE:
            self.deadline = self._plane.now + self._plane.limits.idle_timeout
        if self.exchange is None and self._inbox.data:
            self.pump()

    # Feeding.

    def pump(self) -> None:
        """Feeds llhttp while somebody wants what it finds; pauses reading when bytes are left."""
        if self._is_pumping:
            return
        self._is_pumping = True
        inbox = self._inbox
        try:
            while inbox.data and self._may_feed():
                self._feed(inbox.piece())
        except Exception as error:
            self.broken(error)
        finally:
            self._is_pumping = False
        if self._phase is not TUNNEL:
            self.hold_reading(is_held=bool(inbox.data))

    def _may_feed(self) -> bool:
        exchange = self.exchange
        if exchange is not None:
            return exchange.wants_body
        # Who does not read the answers gets no further ones.
        return not self.is_write_paused and self._phase not in (LINGER, CLOSED)

    def _recall(self, data: bytes) -> bool:
        """Begins with a head seen before; False when llhttp must look, or is in the middle of a message."""
        head = None if self._phase is HEAD else self._plane.known_requests.find(data, self.peer)
        if head is None:
            return False
        if self.is_trusted:
            self._name_client(head.request)
        self._phase = BUSY
        self.keeps_alive = True
        self.exchange = exchange = Exchange(self, self._plane, head, is_request_done=True)
        exchange.begin()
        return True

    def _feed(self, piece: bytes) -> None:
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # The message is complete; llhttp waits for another protocol, which never begins here.
            self._parser = httptools.HttpRequestParser(self)
        except httptools.HttpParserError:
            self._refuse(Rejection(400, Reason.BAD_REQUEST, "syntax"))
            return
        exchange = self.exchange
        if exchange is None:
            self._head_fed(piece)
        else:
            self._body_fed(exchange, piece)

    def _body_fed(self, exchange: Exchange, piece: bytes) -> None:
        """Chunk framing and trailers are counted too: an unfinished field is collected below us (RFC 9112 §7.1.1)."""
        self._body_raw += len(piece)
        if self._parts or self._is_message_done:
            parts, self._parts = self._parts, []
            exchange.body_arrived(parts, is_done=self._is_message_done)
        most = MOST_FRAMING * exchange.received + self._plane.limits.header_bytes
        if self._body_raw > most and self.exchange is exchange and not self._is_message_done:
            exchange.refuse_body()

    def _head_fed(self, piece: bytes) -> None:
        self._head_size += len(piece)
        limits = self._plane.limits
        if self._head_size > limits.header_bytes or len(self._headers) > limits.header_count:
            is_target = 2 * len(self._url) > limits.header_bytes
            cleared = self._plane.attempts.cleared(b"".join((*self._unread, piece)))
            self._refuse(Rejection(414 if is_target else 431, Reason.BAD_REQUEST, "head too large"), cleared)
            return
        if self._has_head:
            self._begin(piece)
            return
        self._unread.append(piece)
        if self._phase is not HEAD:
            if self._phase is IDLE:
                self.deadline = self._plane.now + limits.header_timeout
            self._phase = HEAD

    def _begin(self, piece: bytes) -> None:
        plane = self._plane
        self._phase = BUSY
        parts = Parts(self._method, self._version, self._url, self._headers, self._is_upgrade)
        head = judge(parts, self.peer, plane.head_rules)
        if isinstance(head, Rejection):
            self._refuse(head)
            return
        if isinstance(head, LastHop):
            self._answer(Answer(status=204, headers=((b"Allow", ALLOW),)), None)
            return
        if self.keeps_alive and not self._is_upgrade and self._head_size == len(piece):
            plane.known_requests.note(piece, head)
        if self.is_trusted:
            self._name_client(head.request)
        self._inbox.expect(head.length)
        self.is_http11 = self._version == "1.1"
        self.exchange = exchange = Exchange(self, plane, head, is_request_done=self._is_message_done)
        exchange.begin()

    # llhttp's callbacks: they only note.

    def on_url(self, url: bytes) -> None:
        """The target, possibly in parts."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; after the head, a trailer, which is dropped."""
        if not self._has_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """llhttp forgets these at the message's end."""
        parser = self._parser
        self._has_head = True
        self._method = parser.get_method()
        self._version = parser.get_http_version()
        self._is_upgrade = parser.should_upgrade()
        self.keeps_alive = parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """The end of the message."""
        self._is_message_done = True

    # The exchange's side.

    def exchange_ended(self) -> None:
        """The answer is written: the next request, or the end."""
        plane = self._plane
        exchange, self.exchange = self.exchange, None
        if exchange is None or self._phase is CLOSED:
            return
        if self.keeps_alive and exchange.is_request_done:
            if self._has_head:  # a head that was known left nothing behind
                self._expect_head()
            self._phase = IDLE
            limits = plane.limits
            self.deadline = plane.now + (
                limits.write_timeout if self.is_write_paused else limits.idle_timeout
            )
            if self._inbox.data:
                plane.loop.call_soon(self.pump)
        elif exchange.is_request_done:
            self._close()
        else:
            self._linger()

    def broken(self, error: BaseException) -> None:
        """Our own code failed: the traceback goes to the log, an id to the client."""
        incident = self._plane.report(error)
        exchange = self.exchange
        try:
            if exchange is None:
                self.abort()
            else:
                exchange.broken(incident)
        except Exception as second:
            self._plane.report(second)
            self.abort()

    def _refuse(self, rejection: Rejection, more: tuple[Field, ...] = ()) -> None:
        """Answers a head, or a body, that no exchange can be made of; then closes."""
        if self.exchange is not None:
            self.exchange.refuse_body()
            return
        self._plane.figures.malformed += 1
        verdict = Deny(status=rejection.status, reason=rejection.reason, kind=Kind.SCRIPT)
        answer = self._plane.answers.answer(verdict, None)
        answer = Answer(status=answer.status, headers=answer.headers + more, body=answer.body)
        self._answer(answer, rejection.detail)

    def _answer(self, answer: Answer, why: str | None) -> None:
        self._phase = BUSY
        method = self._parser.get_method() if self._url else None
        told = HeadAnswer(self.peer, method, shown_path(self._url), answer.status, len(answer.body), why)
        self.tell(told)
        # Whatever is wrong with a HEAD, its client takes no body (RFC 9110 §9.3.2).
        is_head = method == b"HEAD"
        self.write(render(answer, date=self._plane.date, is_head=is_head, connection=CLOSE_LINE))
        self._linger()

    # Deadlines and ends from outside.

    def expire(self) -> None:
        """Called at a tick after the deadline."""
        if self.is_write_paused and self._is_moving():
            self.deadline = self._plane.now + self._plane.limits.write_timeout
        elif self.exchange is not None:
            try:
                self.exchange.expire()
            except Exception as error:
                self.broken(error)
        elif self._phase is HEAD:
            self._refuse(Rejection(408, Reason.BAD_REQUEST, "head too slow"))
        elif self._phase is PREAMBLE:
            self._refuse_preamble("PROXY header too slow")
        elif self._phase is LINGER:
            if self._is_leaving():
                self.deadline = self._plane.now + self._plane.limits.write_timeout
            else:
                self.abort()
        else:
            self._close()
