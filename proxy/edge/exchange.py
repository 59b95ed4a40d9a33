"""One request and its answer, from the verdict to the last byte.

    DECIDING ─▶ CONNECTING ─▶ SENDING ─▶ ANSWERING ─▶ done
        └── an answer of our own ◀──┴──────┘ (only while no byte of the app's answer was passed on)

Rules kept here:
- Nothing goes upstream without an `Open`, an `Admit` or an `Own`; the head is rendered from the judged parts.
- On the fast path there is no task: the gate knows, the pool has a connection, and all is plain calls.
- Body parts are taken from the client only while the upstream can take them (`wants_body`), and from the upstream only while the
  client can: what waits in between is bounded.
- A failure before the first byte of the answer is an answer of ours; after it the client's connection is aborted, so
  that a cut body never looks whole.
- A stale keep-alive is retried once, on a new connection, for an idempotent request without a body of whose answer no byte came.
- The client may go away at any time: then the upstream connection is closed, never reused.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from proxy.edge.answer import (
    CHUNKED,
    CLOSE_LINE,
    CRLF,
    KEEP_LINE,
    LAST_CHUNK,
    NO_BODY,
    UNTIL_CLOSE,
    Framing,
    chunk,
    frame,
    interim,
    joined,
    status_line,
)
from proxy.edge.asked import ask
from proxy.edge.ending import ENDED_WITHIN, ENDED_WITHOUT, Ending
from proxy.edge.forward import own_head, upstream_head
from proxy.edge.forward_auth import dialect_of
from proxy.edge.handshake import UPGRADE_LINES, is_agreed, may_open
from proxy.edge.head import CHUNKED as CHUNKED_BODY
from proxy.edge.health import Unreachable
from proxy.edge.known import AnswerHead
from proxy.edge.tunnel import Tunnel
from proxy.edge.upstream import SWITCHING, UpstreamConnection
from proxy.gate.decision import Admit, Open, Own, Verdict
from proxy.reasons import Reason

IDEMPOTENT: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PROPFIND", b"REPORT", b"SEARCH"))
"""Methods sent again when a kept connection turned out stale (RFC 9110 §9.2.2, the safe ones only)."""

Work = Callable[[], Awaitable[None]]

FOREVER: Final = float("inf")


class Exchange(Ending):
    """Owned by its client connection; at most one per connection."""

    __slots__ = ("_head_bytes",)

    # The verdict.

    def begin(self) -> None:
        """Asks the gate; goes on at once when it knows."""
        verdict = self.plane.gate.decide_now(self.request)
        if verdict is None:
            self.run(self._decide)
        else:
            self._carry_out(verdict)

    async def _decide(self) -> None:
        self._carry_out(await self.plane.gate.decide(self.request))

    def _carry_out(self, verdict: Verdict) -> None:
        kind = type(verdict)
        if kind is Admit or kind is Open:
            self._forward(verdict)  # type: ignore[arg-type]  # the line above narrows; match costs 0.4 µs here
        elif (asking := self.plane.asking) is not None and (
            dialect := dialect_of(self.request.path)
        ) is not None:
            ask(self, asking, dialect)
        elif kind is Own:
            self.plane.figures.own += 1
            self.is_own = True
            self.run(self._connect_own)
        else:
            self.answer(verdict)  # type: ignore[arg-type]  # what is left is a SignIn or a Deny

    def _forward(self, permit: Open | Admit) -> None:
        plane = self.plane
        if type(permit) is Admit:
            self.session = permit.session
            plane.figures.admitted += 1
            block = permit.block
        else:
            plane.figures.opened += 1
            block = b""
        if self.head.websocket is not None and not self._may_open_websocket():
            self._fail(403, Reason.WRONG_ORIGIN)
            return
        pool = plane.pool if plane.routes is None else plane.routes.find(self.request.path)
        if pool is None:
            self._fail(404, Reason.NO_UPSTREAM)
            return
        self._pool = pool
        self._rules = pool.rules
        client = self.client
        forwarding = client.forwarding(self.request.host)
        self._head_bytes = upstream_head(
            self.head, plane, pool, forwarding, block, is_http11=client.is_http11
        )
        upstream = pool.take(plane.now, is_repeatable=self._is_repeatable())
        if upstream is None:
            self.run(self._connect)
        else:
            self._send(upstream)

    def _may_open_websocket(self) -> bool:
        request, rules = self.request, self.plane.websockets
        origins = [
            value for name, value in zip(request.names, request.headers, strict=True) if name == b"origin"
        ]
        stated = [value.strip(b" \t") for _, value in origins]
        return not rules.is_enabled or may_open(stated, request.host, request.scheme, rules)

    def _is_repeatable(self) -> bool:
        return self.request.method in IDEMPOTENT and self.head.length == 0

    def run(self, work: Work) -> None:
        """Leaves the fast path: no deadline of ours runs while the gate or a connect has its own."""
        self.client.deadline = FOREVER
        self._task = self.plane.loop.create_task(self._guarded(work))

    async def _guarded(self, work: Work) -> None:
        try:
            await work()
        except Exception as error:
            self.client.broken(error)
        else:
            self.client.pump()

    # To the app.

    async def _connect(self) -> None:
        assert self._pool is not None, "set before anything is forwarded"
        made = await self._pool.connect(is_repeatable=self._is_repeatable())
        if isinstance(made, Unreachable):
            self._upstream_failed(made.fault.reason)
            self._fail(made.fault.status, made.fault.reason, made.retry_after)
        else:
            self._send(made)

    async def _connect_own(self) -> None:
        self._head_bytes = own_head(self.head, self.plane, self.request.peer)
        own = await self.plane.connect_own()
        try:
            _, upstream = await self.plane.loop.create_connection(
                lambda: UpstreamConnection(self._rules.header_bytes), sock=own
            )
        except BaseException:
            own.close()
            raise
        self._send(upstream)

    def _send(self, upstream: UpstreamConnection) -> None:
        self._upstream = upstream
        upstream.begin(
            self,
            self._head_bytes,
            is_head=self.request.method == b"HEAD",
            takes_upgrade=self.head.websocket is not None and self.plane.websockets.is_enabled,
        )
        if self.client.is_write_paused:
            upstream.hold_reading(is_held=True)
        self.arm()

    @property
    def wants_body(self) -> bool:
        """Whether the next part of the request's body can be taken now."""
        return self._upstream is not None and not self.is_upstream_full and not self.is_request_done

    def body_arrived(self, parts: list[bytes], *, is_done: bool) -> None:
        """Passes on what the client sent."""
        upstream = self._upstream
        assert upstream is not None, "a body is fed only while wants_body"
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self.received += len(data)
        self.plane.figures.bytes_in += len(data)
        self.is_request_done = is_done
        if self.head.length == CHUNKED_BODY:
            most = self.plane.limits.body_bytes
            if most is not None and self.received > most:
                self.is_request_done = False
                self._fail(413, Reason.BAD_REQUEST)
                return
            data = (chunk(data) if data else b"") + (LAST_CHUNK if is_done else b"")
        if data:
            upstream.transport.write(data)
        least = self.plane.limits.least_sent
        if is_done or self._framing is not None or self.received - self._paced >= least:
            self._paced = self.received
            self.arm()

    def upstream_writable(self, *, is_writable: bool) -> None:
        """Back-pressure on the upload."""
        self.is_upstream_full = not is_writable
        self.arm()
        if is_writable:
            self.client.pump()

    # From the app.

    def answer_arrived(self, upstream: UpstreamConnection) -> None:
        """Takes over what one read brought: 1xx, the head, parts of the body, the end. All of it in one write."""
        try:
            self._relay(upstream)
        except Exception as error:
            self.client.broken(error)

    def known_arrived(self, upstream: UpstreamConnection, head: AnswerHead, body: bytes) -> None:
        """Takes over a whole answer."""
        try:
            start = self._begin_answer(head.status, head.framing, head.start, is_dated=head.is_dated)
            self.client.write(start + body)
            self.sent += len(body)
            self._finish(upstream)
        except Exception as error:
            self.client.broken(error)

    def _relay(self, upstream: UpstreamConnection) -> None:
        if upstream.is_faulty and not upstream.is_complete:
            self._cut("what came is no answer in HTTP that can be passed on")
            return
        if upstream.interims:
            self._pass_interims(upstream)
        if upstream.status == SWITCHING:
            self._switch(upstream)
            return
        framing = self._framing
        head = b""
        if framing is None:
            if not upstream.has_head:
                return
            made = self._start_of_answer(upstream)
            if made is None:
                self._cut("nobody knows where its answer ends")
                return
            framing, start, is_dated = made
            head = self._begin_answer(upstream.status, framing, start, is_dated=is_dated)
        body = self._framed_body(upstream, framing)
        if head or body:
            self.sent += len(body)
            self.client.write(head + body if body else head)
        if upstream.is_complete:
            self._finish(upstream)
        else:
            self.arm()

    def _switch(self, upstream: UpstreamConnection) -> None:
        """The app agreed to the WebSocket: from now on this exchange is its tunnel."""
        key = self.head.websocket
        if not upstream.is_upgraded or key is None or not is_agreed(key, upstream.headers):
            self._cut("it switched protocols, and no handshake was asked for or met")
            return
        self.status = SWITCHING
        lines = self.plane.answer_fields.sift(upstream.headers)[0]
        self.client.write(b"%b%b%b\r\n" % (status_line(SWITCHING), joined(lines), UPGRADE_LINES))
        self._upstream = None
        self.tunnel = tunnel = Tunnel(self.client, upstream, self.plane)
        if upstream.rest:
            tunnel.app_sent(upstream.rest)
        self.client.tunnel_began()

    def _begin_answer(self, status: int, framing: Framing, start: bytes, *, is_dated: bool) -> bytes:
        """The whole head as this client gets it; from here on a failure is a cut."""
        client = self.client
        if not is_dated:
            start += b"Date: %b\r\n" % self.plane.date
        self._framing = framing
        self.status = status
        if not self.is_request_done or framing[0] == UNTIL_CLOSE or self.plane.is_draining:
            client.keeps_alive = False
        keeping = b"" if client.is_http11 else KEEP_LINE
        return start + (keeping if client.keeps_alive else CLOSE_LINE) + CRLF

    def _start_of_answer(self, upstream: UpstreamConnection) -> tuple[Framing, bytes, bool] | None:
        """How the body is framed, the head but for Connection, whether it has a Date; None when nobody knows where it ends."""
        plane = self.plane
        sifted = (plane.own_answer_fields if self.is_own else plane.answer_fields).sift(upstream.headers)
        framing = frame(
            sifted,
            upstream.status,
            version=upstream.version,
            is_head=self.request.method == b"HEAD",
            takes_chunks=self.client.is_http11,
        )
        if framing is None:
            return None
        start = b"%b%b%b" % (status_line(upstream.status), joined(sifted[0]), framing[1])
        is_dated = sifted[3]
        upstream.note(framing, start, is_dated=is_dated)
        return framing, start, is_dated

    def _framed_body(self, upstream: UpstreamConnection, framing: Framing) -> bytes:
        parts = upstream.chunks
        if parts:
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            upstream.chunks = []
        else:
            body = b""
        if framing[0] == CHUNKED:
            return (chunk(body) if body else b"") + (LAST_CHUNK if upstream.is_complete else b"")
        return b"" if framing[0] == NO_BODY else body

    def _pass_interims(self, upstream: UpstreamConnection) -> None:
        for status, headers in upstream.interims:
            if self.client.is_http11:
                self.client.write(interim(status, self.plane.answer_fields.sift(headers)))
        upstream.interims = []

    def upstream_lost(self, upstream: UpstreamConnection, *, is_clean: bool) -> None:
        """The app's connection ended under this exchange."""
        try:
            self._lost(upstream, is_clean=is_clean)
        except Exception as error:
            self.client.broken(error)

    def _lost(self, upstream: UpstreamConnection, *, is_clean: bool) -> None:
        if self._framing is not None and self._framing[2] and is_clean:
            upstream.is_complete = True
            if self._framing[0] == CHUNKED:
                self.client.write(LAST_CHUNK)
            self._finish(upstream)
        elif upstream.is_reused and not upstream.has_bytes and not self._is_retried and self._is_repeatable():
            self._is_retried = True
            self.plane.figures.retried += 1
            self._upstream = None
            self.run(self._connect)
        else:
            self._cut(ENDED_WITHIN if upstream.has_bytes else ENDED_WITHOUT)

    def client_writable(self, *, is_writable: bool) -> None:
        """Back-pressure on the download."""
        if self.tunnel is not None:
            self.tunnel.client_writable(is_writable=is_writable)
            return
        if self._upstream is None:
            return
        self._upstream.hold_reading(is_held=not is_writable)
        self.arm()
