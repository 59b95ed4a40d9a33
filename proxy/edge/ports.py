"""What the edge asks of its neighbours, as Protocols they meet structurally."""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from proxy.edge.refused import HeadAnswer
from proxy.gate.decision import Deny, Request, SignIn, Verdict
from proxy.reasons import Reason
from proxy.session.model import SessionKey


class Gate(Protocol):
    """What happens to one request."""

    def decide_now(self, request: Request) -> Verdict | None:
        """The verdict when it can be known without waiting; must not block."""

    async def decide(self, request: Request) -> Verdict:
        """The verdict, however long it takes. May be cancelled when the client goes away: shields what must go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of our own. The edge adds Content-Length, Date and Connection, and leaves the body out for HEAD."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


class Answers(Protocol):
    """Pages and JSON for what is not forwarded."""

    def answer(self, verdict: SignIn | Deny, request: Request | None, incident: str | None = None) -> Answer:
        """`request` is None when the head could not be parsed; `incident` is the id of an internal error."""


ConnectOwn: TypeAlias = Callable[[], Awaitable[socket.socket]]
"""A connected socket whose other end the control plane serves; a new one for every exchange."""


class AccessLog(Protocol):
    """Takes the facts of one finished exchange; must be cheap. `seconds` is its duration, `sent` the bytes of the answer."""

    def __call__(
        self, peer: str, request: Request, status: int, sent: int, seconds: float, session: SessionKey | None
    ) -> None: ...

    def without_exchange(self, answered: HeadAnswer) -> None:
        """A head that was refused, or answered, before an exchange began."""

    def flush(self) -> None:
        """Called at every tick and at the end."""


AskedInVain: TypeAlias = Callable[[str, Reason], None]
"""Hears of a forward-auth question that nothing can be said to: the peer's address, and why. May be called for each one."""

UpstreamTold: TypeAlias = Callable[[str, Reason | None, str], None]
"""Hears why an upstream cannot be reached (reason and detail), or that it can be again (None); never once per request."""

Report: TypeAlias = Callable[[BaseException], str]
"""Takes an exception of our own code to the log, with its traceback, and gives the id that the client is shown."""
