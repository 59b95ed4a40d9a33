"""The connections to one upstream: idle ones are kept, new ones made, and no time is wasted on one that is down."""

import asyncio
from collections.abc import Callable
from typing import Final

from proxy.edge.dialing import Dialer
from proxy.edge.health import SAID_AGAIN, Fault, Health, Unreachable
from proxy.edge.known import KnownAnswers
from proxy.edge.ports import UpstreamTold
from proxy.edge.rules import UpstreamRules
from proxy.edge.upstream import UpstreamConnection
from proxy.edge.upstream_tls import LOOK_SECONDS
from proxy.reasons import Reason

FRESH_SECONDS: Final = 1.0
"""A request that cannot be retried takes only a connection that was idle no longer than this."""


def tell_nobody(upstream: str, reason: Reason | None, detail: str) -> None:
    """For whoever wants no log."""


class Pool:
    """Idle connections to one upstream, last in first out; `connect` makes a new one. `authority` is its own Host."""

    def __init__(
        self,
        rules: UpstreamRules,
        loop: asyncio.AbstractEventLoop,
        opened: Callable[[], None],
        told: UpstreamTold = tell_nobody,
    ) -> None:
        self.rules = rules
        self.authority = rules.authority
        self.known_answers = KnownAnswers()
        self._loop = loop
        self._opened = opened
        self._told = told
        self._idle: list[UpstreamConnection] = []
        self._health = Health(rules.down_for)
        self._dialer = Dialer(rules, loop, self.known_answers)
        self._look_at = 0.0
        self._files_fault: str | None = None
        self._said_at: dict[Reason, float] = {}
        self.failures: dict[Reason, int] = {}

    @property
    def fault(self) -> Fault | None:
        """Why the last connect failed; None when it succeeded, or when none was tried."""
        return self._health.fault

    def note_failure(self, reason: Reason, detail: str, now: float) -> None:
        """One more request that this upstream failed. `detail` is said, of each reason once in a while; empty: it was said."""
        self.failures[reason] = self.failures.get(reason, 0) + 1
        if detail and now - self._said_at.get(reason, float("-inf")) >= SAID_AGAIN:
            self._said_at[reason] = now
            self._told(self.rules.name, reason, detail)

    def take(self, now: float, *, is_repeatable: bool) -> UpstreamConnection | None:
        """An idle connection, or None. One that may be stale only for a request that may be sent twice."""
        idle = self._idle
        while idle:
            upstream = idle.pop()
            if not upstream.is_idle_and_open():
                continue
            if not is_repeatable and now - upstream.idle_since > FRESH_SECONDS:
                idle.append(upstream)
                return None
            upstream.is_reused = True
            return upstream
        return None

    def give(self, upstream: UpstreamConnection, now: float) -> None:
        """Takes a connection back after its exchange; closes it when it cannot serve another, or is of an earlier TLS context."""
        if (
            not upstream.is_usable
            or len(self._idle) >= self.rules.connections
            or upstream.opened_with is not self._dialer.context
        ):
            upstream.close()
            return
        upstream.exchange = None
        # Held back for one client's sake: the next exchange must not find it deaf.
        upstream.hold_reading(is_held=False)
        upstream.idle_since = now
        self._idle.append(upstream)

    async def connect(self, *, is_repeatable: bool) -> UpstreamConnection | Unreachable:
        """A new connection; at once, or within `connect_timeout`, why there is none."""
        health = self._health
        refusal = health.refusal(self._loop.time())
        if refusal is not None:
            return refusal
        try:
            made = await self._dialer.dial(is_repeatable=is_repeatable)
        except BaseException:
            health.left()
            raise
        if isinstance(made, Fault):
            return self._failed(made, is_repeatable=is_repeatable)
        if health.connected():
            self._told(self.rules.name, None, "")
        self._opened()
        return made

    def _failed(self, fault: Fault, *, is_repeatable: bool) -> Unreachable:
        now = self._loop.time()
        if self._health.is_news(fault, now):
            self._told(self.rules.name, fault.reason, fault.detail)
        is_refusal = fault.reason is Reason.UPSTREAM_UNAVAILABLE
        return self._health.failed(fault, now, is_verdict=is_repeatable or not is_refusal)

    def tick(self, now: float) -> None:
        """Closes what was idle for too long, forgets what the app closed, and looks at the TLS files now and then."""
        if self.rules.tls is not None and now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._look()
        oldest = now - self.rules.keep_alive
        context = self._dialer.context
        kept = []
        for upstream in self._idle:
            if upstream.idle_since < oldest or upstream.opened_with is not context:
                upstream.close()
            elif upstream.is_idle_and_open():
                kept.append(upstream)
        self._idle = kept

    def _look(self) -> None:
        fault, known = self._dialer.look(), self._files_fault
        self._files_fault = fault
        if fault is not None and fault != known:
            self._told(self.rules.name, Reason.UPSTREAM_NOT_TRUSTED, fault)

    def close(self) -> None:
        """Closes every idle connection."""
        for upstream in self._idle:
            upstream.close()
        self._idle.clear()
