"""How an exchange ends: with the app's answer, with one of our own, or with a cut connection; and when it waited too long.

- While no byte of the app's answer was passed on, a failure is an answer of ours; after that the client's connection is aborted.
- An answer of ours to a request that was not read to its end closes the connection.
- Whatever way it ends, it is counted and logged once.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from proxy.edge.answer import CLOSE_LINE, KEEP_LINE, Framing, render
from proxy.edge.head import Head
from proxy.edge.ports import Answer
from proxy.edge.rules import OWN_PAGES
from proxy.edge.tunnel import Tunnel
from proxy.edge.upstream import UpstreamConnection
from proxy.gate.decision import Deny, Kind, Request, SignIn, kind_of
from proxy.reasons import Reason

if TYPE_CHECKING:
    from proxy.edge.client import ClientConnection
    from proxy.edge.plane import Plane
    from proxy.edge.pool import Pool
    from proxy.session.model import SessionKey

RETRY_AFTER: Final = 5
ENDED_WITHIN: Final = "the connection ended within an answer"
ENDED_WITHOUT: Final = (
    "the connection ended without an answer: is it a server for plain HTTP or TLS, as url says?"
)


class Ending:
    """What an exchange is, and all that can finish it. `Exchange` adds how it runs."""

    __slots__ = (
        "_framing", "_is_retried", "_paced", "_pool", "_rules", "_task", "_upstream", "client", "head", "is_own",
        "is_request_done", "is_upstream_full", "plane", "received", "request", "sent", "session", "started_at", "status",
        "tunnel",
    )  # fmt: skip

    def __init__(
        self, client: "ClientConnection", plane: "Plane", head: Head, *, is_request_done: bool
    ) -> None:
        self.client = client
        self.plane = plane
        self.head = head
        self.request: Request = head.request
        self.is_request_done = is_request_done
        self.started_at = plane.loop.time()
        self.session: SessionKey | None = None
        self.status = 0
        self.sent = 0
        self.is_own = False
        self.is_upstream_full = False
        self._pool: Pool | None = None
        self._rules = OWN_PAGES
        self._is_retried = False
        self.received = self._paced = 0
        self._framing: Framing | None = None
        self._task: asyncio.Task[None] | None = None
        self._upstream: UpstreamConnection | None = None
        self.tunnel: Tunnel | None = None

    def answer(self, verdict: SignIn | Deny, incident: str | None = None) -> None:
        """Answers instead of the app; only before a byte of the app's answer went out."""
        self.count(verdict)
        self.give(self.plane.answers.answer(verdict, self.request, incident))

    def count(self, verdict: SignIn | Deny) -> None:
        """One more that was not let pass."""
        if type(verdict) is SignIn:
            self.plane.figures.sign_ins += 1
        else:
            self.plane.figures.denied += 1

    def give(self, own: Answer) -> None:
        """Writes an answer of our own; the exchange is over."""
        plane, client = self.plane, self.client
        self._leave_upstream()
        client.keeps_alive = client.keeps_alive and self.is_request_done and not plane.is_draining
        self.status = own.status
        self.sent = len(own.body)
        connection = CLOSE_LINE if not client.keeps_alive else b"" if client.is_http11 else KEEP_LINE
        # Not the request's: another proxy may ask about a HEAD by a GET.
        is_head = self.head.request.method == b"HEAD"
        client.write(render(own, date=plane.date, is_head=is_head, connection=connection))
        self._note()
        client.exchange_ended()

    def _finish(self, upstream: UpstreamConnection) -> None:
        self._upstream = None
        # What still waits to be written belongs to this request: nobody else's goes behind it.
        if self._pool is None or not self.is_request_done or self.is_upstream_full:
            upstream.close()
        else:
            self._pool.give(upstream, self.plane.now)
        self._note()
        self.client.exchange_ended()

    def _fail(self, status: int, reason: Reason, retry_after: int | None = None) -> None:
        if retry_after is None and status in (502, 503, 504):
            retry_after = RETRY_AFTER
        self.answer(Deny(status=status, reason=reason, kind=kind_of(self.request), retry_after=retry_after))

    def _cut(self, detail: str) -> None:
        """The app's answer cannot be had, or not to its end. `detail` is for the log."""
        self._upstream_failed(Reason.BAD_UPSTREAM_ANSWER, detail)
        if self._framing is None:
            self._fail(502, Reason.BAD_UPSTREAM_ANSWER)
        else:
            self.client.abort()

    def _upstream_failed(self, reason: Reason, detail: str = "") -> None:
        """Counted where it is known whose fault it is; our own pages are no upstream's. `detail`: what nobody told yet."""
        self.plane.figures.upstream_failures += 1
        if self._pool is not None:
            self._pool.note_failure(reason, detail, self.plane.now)

    def refuse_body(self) -> None:
        """What was to be the rest of the request's body is none: the app never sees an end of it."""
        self.plane.figures.malformed += 1
        self.is_request_done = False
        if self._framing is None and self.tunnel is None:
            self._fail(400, Reason.BAD_REQUEST)
        else:
            self.client.abort()

    def broken(self, incident: str) -> None:
        """Our own code failed: an id is all that is shown."""
        if self._framing is None and self.status == 0 and self.tunnel is None:
            self.answer(Deny(status=500, reason=Reason.INTERNAL_ERROR, kind=Kind.SCRIPT), incident)
        else:
            self.client.abort()

    def abandon(self) -> None:
        """The client's connection is gone: nobody waits for the answer."""
        if self.tunnel is not None:
            self._leave_tunnel(self.tunnel)
            return
        self.plane.figures.aborted += 1
        if self._task is not None:
            self._task.cancel()
        self._leave_upstream()
        self._note()

    def _leave_tunnel(self, tunnel: Tunnel) -> None:
        """Whichever side ended it: that is how WebSockets end."""
        tunnel.leave()
        self.sent += tunnel.sent
        self.plane.figures.bytes_in += tunnel.received
        self._note()

    def _leave_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()

    def _note(self) -> None:
        plane = self.plane
        plane.figures.bytes_out += self.sent
        if plane.access is not None:
            seconds = plane.loop.time() - self.started_at
            plane.access(self.request.peer, self.request, self.status, self.sent, seconds, self.session)

    # Deadlines.

    def arm(self) -> None:
        """Sets the client connection's deadline by what is being waited for."""
        plane, client = self.plane, self.client
        if client.is_write_paused:
            seconds = plane.limits.write_timeout
        elif self._framing is not None or self.is_upstream_full:
            seconds = self._rules.idle_timeout
        elif self.is_request_done:
            seconds = self._rules.first_byte_timeout
        else:
            seconds = plane.limits.body_timeout
        client.deadline = plane.now + seconds

    def expire(self) -> None:
        """What was waited for did not come."""
        if self._framing is not None or self.tunnel is not None:
            self.client.abort()
        elif self.is_request_done or self.is_upstream_full:
            what = "it takes no more of a body" if self.is_upstream_full else "it does not begin its answer"
            self._upstream_failed(Reason.UPSTREAM_TIMEOUT, f"{what} in time")
            self._fail(504, Reason.UPSTREAM_TIMEOUT)
        else:
            self._fail(408, Reason.BAD_REQUEST)
