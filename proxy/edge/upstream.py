"""One connection to the app: one exchange at a time, and back to the pool (`pool`) only after a complete, clean one.

Invariants (rules 2 and 8 of the data plane):
- A fresh response parser per exchange, made when a byte comes that is not known already (`known`). What follows a complete answer
  makes the connection unusable, never the next answer.
- To HEAD, the answer ends with its final head; llhttp is fed up to that point and not one byte further.
- Fields after the head are trailers: dropped.
- A byte on an idle connection closes it.
"""

import asyncio
from typing import Final, Protocol

import httptools

from proxy.edge.answer import Framing
from proxy.edge.inbox import END_OF_HEAD
from proxy.edge.known import AnswerHead, KnownAnswers
from proxy.gate.fields import Field

MAX_INTERIMS: Final = 16
SWITCHING: Final = 101


class Receiver(Protocol):
    """An exchange, as its upstream connection meets it."""

    def answer_arrived(self, upstream: "UpstreamConnection") -> None: ...
    def known_arrived(self, upstream: "UpstreamConnection", head: AnswerHead, body: bytes) -> None: ...
    def upstream_lost(self, upstream: "UpstreamConnection", *, is_clean: bool) -> None: ...
    def upstream_writable(self, *, is_writable: bool) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """Reads answers; `status`, `headers`, `version` stand once `has_head`; `chunks` are taken by the exchange.

    What is said of an answer stands from its first byte on, but for an answer whose head is known: the exchange gets that one
    whole. Without a memory (`known_answers`) every answer is parsed.
    """

    __slots__ = (
        "_interims_seen", "_is_eof", "_is_head", "_is_held", "_is_open", "_known_answers", "_only_read", "_parser",
        "_raw", "_tail", "chunks", "exchange", "has_bytes", "has_head", "headers", "idle_since", "interims",
        "is_complete", "is_faulty", "is_reused", "is_upgraded", "keeps_alive", "max_head", "opened_with",
        "rest", "status", "takes_upgrade", "transport", "version",
    )  # fmt: skip

    def __init__(
        self, max_head: int, known_answers: KnownAnswers | None = None, opened_with: object = None
    ) -> None:
        """`opened_with`: the TLS context, by which the pool tells connections from before a change of its files."""
        self.max_head = max_head
        self.opened_with = opened_with
        self._known_answers = known_answers
        self.exchange: Receiver | None = None
        self.transport: asyncio.Transport
        self.is_reused = False
        self.idle_since = 0.0
        self._is_open = False
        self._is_eof = False
        self._is_held = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open."""
        self.transport = transport  # type: ignore[assignment]  # a TCP or Unix connection has a full transport
        self._is_open = True

    def begin(self, exchange: Receiver, head: bytes, *, is_head: bool, takes_upgrade: bool = False) -> None:
        """Sends a request's head; what comes from now on is its answer.

        `takes_upgrade`: a 101 may come; then `is_upgraded` and `rest`, what followed its head.
        """
        self.exchange = exchange
        self._is_head = is_head
        self.takes_upgrade = takes_upgrade
        self.has_bytes = self.is_complete = self.is_faulty = self.keeps_alive = False
        self.transport.write(head)

    def _expect_answer(self, first: bytes) -> None:
        """Makes ready to read an answer that begins with these bytes; `note` may want them."""
        self._parser = httptools.HttpResponseParser(self)
        self._only_read = first
        self._raw = self._interims_seen = self.status = 0
        self._tail = self.rest = b""
        self.headers: list[Field] = []
        self.chunks: list[bytes] = []
        self.interims: list[tuple[int, list[Field]]] = []
        self.version = ""
        self.has_head = self.is_upgraded = False

    @property
    def is_usable(self) -> bool:
        """Open, with an end of the exchange that leaves nothing behind."""
        return (
            self._is_open
            and self.is_complete
            and self.keeps_alive
            and not self.is_faulty
            and not self._is_eof
        )

    def is_idle_and_open(self) -> bool:
        """Whether a new exchange may begin here."""
        return self._is_open and not self._is_eof and not self.transport.is_closing()

    def data_received(self, data: bytes) -> None:
        """Feeds llhttp, then tells the exchange once."""
        exchange = self.exchange
        if exchange is None:
            self.close()
            return
        if self.has_bytes:
            self._only_read = b""
        elif self._recall(exchange, data):
            return
        try:
            if self._is_head:
                self._feed_head_only(data)
            else:
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.is_upgraded = self.takes_upgrade and self.status == SWITCHING
            self.is_faulty = not self.is_upgraded
            self.rest = data[upgrade.args[0] :]
        except httptools.HttpParserError:
            self.is_faulty = True
        if self.has_head and self.chunks:
            self._raw = 0
        else:
            # A head, trailers or chunk extensions: an unfinished field is collected below us, so they are counted.
            self._raw += len(data)
            if self._raw > self.max_head:
                self.is_faulty = True
        exchange.answer_arrived(self)

    def _recall(self, exchange: Receiver, data: bytes) -> bool:
        """Takes the first read of an answer. True: it was a whole one with a known head, and is told; else a parser is ready."""
        self.has_bytes = True
        memory = self._known_answers
        if memory is None or self._is_head:
            self._expect_answer(b"")
            return False
        found = memory.find(data)
        if found is None:
            self._expect_answer(data)
            return False
        self.keeps_alive = self.is_complete = True
        exchange.known_arrived(self, found[0], found[1])
        return True

    def note(self, framing: Framing, start: bytes, *, is_dated: bool) -> None:
        """Remembers this answer's head, when it came in one read with a body in one part: then llhttp said where that begins."""
        memory, chunks = self._known_answers, self.chunks
        if memory is None or not self._only_read or not memory.is_worth_noting():
            return
        if len(chunks) == 1 and self.is_usable:
            head = AnswerHead(self.status, framing, start, len(chunks[0]), is_dated)
            memory.note(self._only_read[: -head.length], head)

    def _feed_head_only(self, data: bytes) -> None:
        """Feeds up to the end of each head, so that a body nobody may send is never parsed as the next answer."""
        start = 0
        while not self.has_head and start < len(data):
            window = self._tail + data[start:]
            found = window.find(END_OF_HEAD)
            end = len(data) if found < 0 else start + found + len(END_OF_HEAD) - len(self._tail)
            self._parser.feed_data(data[start:end])
            self._tail = b"" if found >= 0 else window[-3:]
            start = end
        if start < len(data):
            self.is_faulty = True

    def eof_received(self) -> None:
        """The app closed its side; the transport closes by itself."""
        self._is_eof = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells the exchange, unless it is done with us."""
        self._is_open = False
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.upstream_lost(self, is_clean=exc is None and self._is_eof)

    def pause_writing(self) -> None:
        """The app reads slower than the client sends."""
        if self.exchange is not None:
            self.exchange.upstream_writable(is_writable=False)

    def resume_writing(self) -> None:
        """The app read on."""
        if self.exchange is not None:
            self.exchange.upstream_writable(is_writable=True)

    def hold_reading(self, *, is_held: bool) -> None:
        """Stops or goes on reading, for the sake of a client that reads slower than the app sends."""
        if is_held is not self._is_held and self._is_open:
            self._is_held = is_held
            if is_held:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def hand_over(self, other: asyncio.Protocol) -> None:
        """The connection speaks another protocol from now on."""
        self.exchange = None
        self._is_open = False
        self.transport.set_protocol(other)

    def close(self) -> None:
        """No further exchange, and no answer to whoever waits."""
        self.exchange = None
        if self._is_open:
            self._is_open = False
            self.transport.abort()

    # llhttp's callbacks, in the order they come.

    def on_message_begin(self) -> None:
        """A second message may follow only a 1xx."""
        if self.is_complete:
            self.is_faulty = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; after the head, a trailer."""
        if not self.has_head:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """A head, final or interim."""
        if self.has_head:
            return
        parser = self._parser
        status = parser.get_status_code()
        if status < 200 and not (self.takes_upgrade and status == SWITCHING):
            self._note_interim(status)
            return
        self.status = status
        self.version = parser.get_http_version()
        self.keeps_alive = parser.should_keep_alive()
        self.has_head = True
        if self._is_head:
            self.is_complete = True

    def _note_interim(self, status: int) -> None:
        self._interims_seen += 1
        if status == SWITCHING or status < 100 or self._interims_seen > MAX_INTERIMS:
            self.is_faulty = True
        else:
            self.interims.append((status, self.headers))
        self.headers = []
        self._raw = 0

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        if self.is_complete:
            self.is_faulty = True
        else:
            self.chunks.append(data)

    def on_message_complete(self) -> None:
        """The end of a message; of the answer, once its final head was seen."""
        if self.has_head:
            self.is_complete = True
