"""Renews sessions in use before they are due, off the request path; a running stream counts as use (semantics §5.1).

A stream outlives the request that was admitted, so nobody else would ask about its session: it is watched here, renewed when
the time comes, and cut once its session may not be served any longer.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from proxy.errors import Unavailable
from proxy.gate.cache import SessionCache
from proxy.session import policy
from proxy.session.keeper import Keeper
from proxy.session.model import Session, SessionKey
from proxy.session.store import SessionStore

IN_USE_SECONDS: Final = 300.0
RENEWALS_AT_ONCE: Final = 16


class EarlyRenewals:
    """`in_flight` names the sessions whose exchanges run now; `end_session` cuts them; `report` takes a bug to the log."""

    def __init__(
        self,
        store: SessionStore,
        cache: SessionCache,
        keeper: Keeper,
        rules: policy.RefreshRules,
        *,
        in_flight: Callable[[], frozenset[SessionKey]],
        end_session: Callable[[SessionKey], None],
        report: Callable[[BaseException], object],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._cache = cache
        self._keeper = keeper
        self._rules = rules
        self._in_flight = in_flight
        self._end_session = end_session
        self._report = report
        self._clock = clock
        self._slots = asyncio.Semaphore(RENEWALS_AT_ONCE)
        self._tasks: dict[SessionKey, asyncio.Task[None]] = {}
        self._streams: dict[SessionKey, float] = {}

    async def look(self) -> None:
        """Start what is due and not under way. Raises Unavailable when a stream's session cannot be looked at."""
        now = self._clock()
        await self._watch(self._in_flight(), now)
        streams = {key for key, at in self._streams.items() if now >= at}
        for key in streams.union(self._early(now)).difference(self._tasks):
            if not self._keeper.is_renewing(key):
                self._start(key)

    async def stop(self) -> None:
        """Wait for what was started; call it once `look` is called no more."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def _early(self, now: float) -> set[SessionKey]:
        """Of the cached ones; a session without a refresh token can only be renewed by its browser."""
        keys = self._cache.in_use_and_early(now, seen_since=now - IN_USE_SECONDS)
        return {
            key
            for key in keys
            if (entry := self._cache.of_key(key)) and entry.session.tokens.refresh_token is not None
        }

    async def _watch(self, flying: frozenset[SessionKey], now: float) -> None:
        """Note when each session in flight is to be asked about; the store is read only for those that no cache holds."""
        self._streams = {key: at for key, at in self._streams.items() if key in flying}
        for key in flying:
            entry = self._cache.of_key(key)
            if entry is not None:
                entry.seen_at = now
            if key not in self._streams:
                session = entry.session if entry else await self._store.load(key)
                self._streams[key] = now if session is None else self._ask_at(session)

    def _ask_at(self, session: Session) -> float:
        if session.tokens.refresh_token is None:
            return policy.serve_until(session, self._rules)
        return policy.early_at(session, self._rules)

    def _start(self, key: SessionKey) -> None:
        task = asyncio.create_task(self._renew(key), name=f"early {key[:8]}")
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _renew(self, key: SessionKey) -> None:
        try:
            async with self._slots:
                session = await self._keeper.renew(key)
        except Unavailable:
            return
        except Exception as error:
            self._report(error)
            return
        self._cache.drop(key)
        self._streams.pop(key, None)
        if session is None or not policy.may_serve(session, self._clock(), self._rules):
            self._end_session(key)
