"""What all connections of one loop share: the neighbours, the rules, the coarse clock and the counters."""

import asyncio
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

from proxy.edge.attempts import Attempts
from proxy.edge.crowd import Crowd
from proxy.edge.forward_auth import Asking
from proxy.edge.handshake import WebSocketRules
from proxy.edge.head import FieldsReader, HeadRules
from proxy.edge.known import KnownRequests
from proxy.edge.ports import AccessLog, Answers, AskedInVain, ConnectOwn, Gate, Report
from proxy.edge.room import Room
from proxy.edge.rules import Limits
from proxy.edge.trust import Trust
from proxy.gate.fields import AnswerFields, Cookies, FieldRules, RequestFields, via_lines
from proxy.reasons import Reason

if TYPE_CHECKING:
    from proxy.edge.client import ClientConnection
    from proxy.edge.door import Entrant
    from proxy.edge.pool import Pool
    from proxy.edge.routes import Routes


class Figures:
    """Counters since the start, as plain integers: whoever serves metrics reads them now and then."""

    __slots__ = (
        "aborted", "admitted", "bytes_in", "bytes_out", "denied", "malformed", "opened", "own",
        "refused_connections", "retried", "sign_ins", "upstream_connections", "upstream_failures",
    )  # fmt: skip

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)

    aborted: int
    admitted: int
    bytes_in: int
    bytes_out: int
    denied: int
    malformed: int
    opened: int
    own: int
    refused_connections: int
    retried: int
    sign_ins: int
    upstream_connections: int
    upstream_failures: int


def nobody_hears(peer: str, reason: Reason) -> None:
    """Where no proxy asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Whom the edge asks, and whom it tells."""

    gate: Gate
    answers: Answers
    connect_own: ConnectOwn
    access: AccessLog | None
    report: Report
    asked_in_vain: AskedInVain = nobody_hears


def pseudonym_of(fields: FieldRules) -> bytes | None:
    """Our own name as it stands in a field."""
    return None if fields.pseudonym is None else fields.pseudonym.encode("ascii")


class Plane:
    """One per loop. `now` is loop time as of the last tick (coarse), `date` the Date header's value."""

    def __init__(
        self,
        neighbours: Neighbours,
        *,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        fields: FieldRules,
        scheme: str,
        pool: "Pool | None",
        routes: "Routes[Pool | None] | None" = None,
        trust: Trust | None = None,
        expects_preamble: bool = False,
        websockets: WebSocketRules = WebSocketRules(),  # noqa: B008 -- frozen
        takes_questions: bool = False,
    ) -> None:
        self.gate = neighbours.gate
        self.answers = neighbours.answers
        self.connect_own = neighbours.connect_own
        self.access = neighbours.access
        self.report = neighbours.report
        self.asked_in_vain = neighbours.asked_in_vain
        self.asking = Asking(fields, websockets) if takes_questions else None
        self.loop = loop
        self.limits = limits
        self.scheme = scheme
        # The app's pool; with `routes`, of all paths that no other prefix covers. None where only other proxies know the app.
        self.pool = pool
        self.routes = routes
        self.pools = tuple(one for one in ((pool,) if routes is None else routes.all()) if one is not None)
        self.trust = trust or Trust()
        self.expects_preamble = expects_preamble
        self.websockets = websockets
        self.head_rules = HeadRules(
            FieldsReader(Cookies(fields.cookie.encode("ascii")), pseudonym_of(fields)),
            scheme,
            limits.body_bytes,
        )
        self.attempts = Attempts(fields.cookie)
        self.via = via_lines(fields.pseudonym)
        self.known_requests = KnownRequests(scheme, limits.header_bytes)
        self.request_fields = RequestFields(fields)
        self.answer_fields = AnswerFields(fields.cookie)
        self.own_answer_fields = AnswerFields(None)
        self.figures = Figures()
        self.clients: set[ClientConnection] = set()
        # Accepted and not connected yet. By when they were accepted, for those that come to nothing.
        self.coming: dict[ClientConnection, float] = {}
        # In the TLS handshake.
        self.entrants: dict[ClientConnection, Entrant] = {}
        self._room = Room(self.clients)
        self.crowd = Crowd(limits.connections_per_client)
        # Draining: no request after the one that runs. Shut: no new connection either.
        self.is_draining = self.is_shut = False
        self.now = loop.time()
        self.date = formatdate(usegmt=True).encode("ascii")

    def is_full(self) -> bool:
        """Whether nobody more can be taken: all connections are taken, and none of them waits for something to ask."""
        taken = len(self.clients) + len(self.entrants)
        return taken >= self.limits.connections and not self._room.make(self.now)

    def tick(self) -> None:
        """Moves the coarse clock on, and lets every connection whose deadline passed know.

        Deadlines are set by the clock's last tick, which may be a tick ago: against that one none comes too early.
        """
        due, self.now = self.now, self.loop.time()
        now = self.now
        self.date = formatdate(usegmt=True).encode("ascii")
        for client in [client for client in self.clients if client.deadline <= due]:
            client.expire()
        if self.coming:
            oldest = now - self.limits.header_timeout
            self.coming = {client: at for client, at in self.coming.items() if at > oldest}
        for pool in self.pools:
            pool.tick(now)
        if self.access is not None:
            self.access.flush()
