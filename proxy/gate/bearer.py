"""Clients that show a bearer token instead of a cookie: from the token to a session that the gate judges like any other.

A token begins one session, in the store, under a key made of the token (decision 120): whatever ends or changes a person's
sessions reaches it. Until `due_at` nothing is asked; then the token is looked at again.

| the token                                             | answer                                          |
|-------------------------------------------------------|-------------------------------------------------|
| has a session that is fresh                           | the session                                     |
| is good, and begins or continues a session            | the session                                     |
| is malformed; shown twice                             | 400                                             |
| proves nothing, is not for us, has expired            | 401 `invalid_token`; a session of it ends       |
| began a session that was ended                        | 401, until the token expires: ended means ended |
| lacks a scope                                         | 403 `insufficient_scope`                        |
| is of a person who was removed                        | 403 with the reason                             |
| cannot be looked at now: keys or introspection silent | 503; nothing ends                               |

However many requests show one token at once, it is looked at once in this process; the store makes it one session, and the
courier one account, among all.
"""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias, assert_never

from proxy.gate.authorization import bearer_key, cache_name, presented, token_in
from proxy.gate.bearer_arrival import BearerArrivals
from proxy.gate.decision import Deny, Kind, Request
from proxy.identity import IdpId
from proxy.oidc.bearer import Proved, Reading, Rejected, Unheard
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.model import (
    AccountRefused,
    Condition,
    Device,
    Misconfigured,
    Pending,
    Session,
    SessionKey,
    Tokens,
    Trouble,
)
from proxy.session.store import SessionStore

READS_AT_ONCE: Final = 32
REFUSED_KEPT: Final = 5.0
"""Seconds that a refusal is remembered: a client that repeats itself costs nobody anything."""

REFUSED_AGAIN: Final = 60.0
"""Seconds after which a person without an account is looked at again: an administrator may have let them in."""

LEASE_SECONDS: Final = 15.0
ELSEWHERE_SECONDS: Final = 2.0
POLL: Final = 0.05
MOST_REMEMBERED: Final = 4096
MOST_ENDS: Final = 100_000
RETRY_AFTER: Final = 5
_BEGUN: Final = "bearer "


class ReadsTokens(Protocol):
    """The configured issuers."""

    async def read(self, token: str, now: float) -> Reading: ...


class BearerWitness(Protocol):
    """Who hears of tokens: audit, log, metrics."""

    def bearer_begun(self, session: Session) -> None: ...

    def bearer_refused(self, idp: IdpId, code: str, *, peer: str) -> None: ...

    def bearer_unheard(self, idp: IdpId, why: Trouble | Misconfigured) -> None: ...

    def bearers_expired(self, count: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One token, shown by one client. `name` is what its session is cached under."""

    name: bytes = field(repr=False)
    key: SessionKey
    token: str = field(repr=False)
    device: Device


Looked: TypeAlias = Deny | None
"""None: there is a session now; load it."""


class Bearers:
    """The sessions of bearer tokens. `holder` names this process in leases."""

    def __init__(
        self,
        tokens: ReadsTokens,
        arrive: BearerArrivals,
        store: SessionStore,
        witness: BearerWitness,
        refresh: policy.RefreshRules,
        *,
        holder: str,
        clock: Callable[[], float],
    ) -> None:
        self._tokens = tokens
        self._arrive = arrive
        self._store = store
        self._witness = witness
        self._refresh = refresh
        self._holder = holder
        self._clock = clock
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._under_way: dict[SessionKey, asyncio.Task[Looked]] = {}
        self._refused: dict[SessionKey, tuple[float, Deny]] = {}
        self._unfinished: set[SessionKey] = set()
        self._ends: list[tuple[float, SessionKey]] = []

    def shown(self, request: Request) -> Shown | Deny:
        """The token that a request shows, or the answer where it is none, or was refused a moment ago."""
        value = presented(request)
        token = token_in(value) if isinstance(value, bytes) else None
        if not isinstance(value, bytes) or token is None:
            return _deny(400, Reason.BEARER_MALFORMED)
        key = bearer_key(token)
        refused = self._refused.get(key)
        if refused is not None and 0 <= self._clock() - refused[0] < REFUSED_KEPT:
            return refused[1]
        return Shown(name=cache_name(value), key=key, token=token, device=_device(request))

    async def load(self, shown: Shown) -> Session | None:
        """The token's session while it is fresh. Raises Unavailable when the store does not answer."""
        session = await self._store.load(shown.key)
        return session if session is not None and self._is_fresh(session) else None

    async def look(self, shown: Shown) -> Looked:
        """One look at the token for all who ask now; a client that goes away cancels its request, never the look.

        Raises Unavailable when the store does not answer.
        """
        task = self._under_way.get(shown.key)
        if task is None:
            task = asyncio.create_task(self._look(shown), name=f"bearer {shown.key[:8]}")
            self._under_way[shown.key] = task
            task.add_done_callback(lambda done: self._forget(shown.key, done))
        return await asyncio.shield(task)

    async def end_expired(self) -> None:
        """End the sessions of tokens that this process began and that are good no more."""
        now = self._clock()
        expired: list[SessionKey] = []
        while self._ends and self._ends[0][0] <= now:
            expired.append(heapq.heappop(self._ends)[1])
        if expired:
            await self._store.end(expired, Reason.BEARER_EXPIRED, now)
            self._witness.bearers_expired(len(expired))

    async def drain(self) -> None:
        """Wait for what is under way; called at shutdown, before the store closes."""
        while self._under_way:
            await asyncio.wait(list(self._under_way.values()))

    def _forget(self, key: SessionKey, done: asyncio.Task[Looked]) -> None:
        self._under_way.pop(key, None)
        if not done.cancelled():
            done.exception()  # whoever waits sees it; with nobody waiting it must not warn at collection

    async def _look(self, shown: Shown) -> Looked:
        session = await self._store.load(shown.key)
        if session is not None and self._is_fresh(session):
            return None
        async with self._reads:
            now = self._clock()
            reading = await self._tokens.read(shown.token, now)
        match reading:
            case Proved():
                return await self._proved(shown, reading, session, now)
            case Rejected():
                return await self._rejected(shown, reading, session)
            case Unheard(idp=idp, why=why):
                self._witness.bearer_unheard(idp, why)
                return _unheard(why)
            case _:
                assert_never(reading)

    async def _rejected(self, shown: Shown, rejected: Rejected, session: Session | None) -> Deny:
        self._witness.bearer_refused(rejected.idp, rejected.code, peer=shown.device.peer)
        if rejected.is_for_scope:
            return self._remembered(shown, _deny(403, Reason.INSUFFICIENT_SCOPE))
        if session is not None:
            await self._store.end([shown.key], Reason.BEARER_INVALID, self._clock())
        return self._invalid(shown)

    async def _proved(self, shown: Shown, proved: Proved, session: Session | None, now: float) -> Looked:
        if session is None:
            return await self._begun(shown, proved, now)
        if policy.condition(session, now, self._refresh) is Condition.ENDED:
            await self._store.end([shown.key], Reason.TOO_OLD, now)
            return self._invalid(shown)
        return await self._continued(shown, proved, now)

    async def _begun(self, shown: Shown, proved: Proved, now: float) -> Looked:
        """A first session. The token is written down as spent before: whoever ends its session ends the token."""
        refusal = await self._arrive.shut(proved.identity)
        if refusal is not None:
            self._witness.bearer_refused(proved.identity.idp, refusal, peer=shown.device.peer)
            return self._remembered(shown, _deny(403, refusal))
        life = (proved.good_until or now + self._refresh.absolute) - now
        is_first = shown.key in self._unfinished or await self._store.spend_attempt(
            _BEGUN + shown.key, now=now, seconds=life
        )
        if not is_first:
            return None if await self._is_begun_elsewhere(shown.key) else self._invalid(shown)
        self._note_unfinished(shown.key)
        session = await self._arrive.begin(self._new(shown, proved, now), now=now)
        self._unfinished.discard(shown.key)
        if proved.good_until is not None and len(self._ends) < MOST_ENDS:
            heapq.heappush(self._ends, (proved.good_until, shown.key))
        self._witness.bearer_begun(session)
        return None

    async def _continued(self, shown: Shown, proved: Proved, now: float) -> Looked:
        """The same session, with what the token says of the person now."""
        lease = await self._store.acquire(shown.key, holder=self._holder, now=now, seconds=LEASE_SECONDS)
        if lease is None:
            is_settled = await self._is_begun_elsewhere(shown.key)
            return None if is_settled else _deny(503, Reason.IDP_TROUBLE, RETRY_AFTER)
        session = await self._store.load(shown.key)
        due_at = self._due_at(proved, now)
        if session is not None:
            renewed = replace(
                session,
                identity=proved.identity,
                refreshed_at=min(proved.identity.stated_at, now),
                due_at=due_at,
                next_attempt_at=min(now + REFUSED_AGAIN, due_at),
                version=session.version + 1,
            )
            await self._arrive.renewed(renewed, lease=lease, now=now)
        await self._store.release(lease)
        return None if session is not None else self._invalid(shown)

    def _new(self, shown: Shown, proved: Proved, now: float) -> Session:
        due_at = self._due_at(proved, now)
        return Session(
            key=shown.key,
            subject=proved.identity.subject,
            idp=proved.identity.idp,
            identity=proved.identity,
            account=Pending(),
            tokens=Tokens(),
            created_at=now,
            last_seen_at=now,
            # When the IdP spoke, not when we read it: a token that is shown again vouches for nobody anew (semantics §5.3).
            refreshed_at=min(proved.identity.stated_at, now),
            due_at=due_at,
            # When somebody without an account is looked at again; never later than `due_at`, which everybody is.
            next_attempt_at=min(now + REFUSED_AGAIN, due_at),
            device=shown.device,
            authentication=proved.authentication,
        )

    def _due_at(self, proved: Proved, now: float) -> float:
        wait = min(self._refresh.every, proved.look_again_after or self._refresh.every)
        return min(now + wait, proved.good_until or now + wait)

    def _is_fresh(self, session: Session) -> bool:
        now = self._clock()
        if policy.condition(session, now, self._refresh) is not Condition.FRESH:
            return False
        is_refused = isinstance(session.account, AccountRefused)
        return not (is_refused and session.next_attempt_at is not None and now >= session.next_attempt_at)

    async def _is_begun_elsewhere(self, key: SessionKey) -> bool:
        """Whether another process, just now at the same token, makes a session of it."""
        deadline = asyncio.get_running_loop().time() + ELSEWHERE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            session = await self._store.load(key)
            if session is not None and self._is_fresh(session):
                return True
            await asyncio.sleep(POLL)
        return False

    def _invalid(self, shown: Shown) -> Deny:
        return self._remembered(shown, _deny(401, Reason.BEARER_INVALID))

    def _remembered(self, shown: Shown, answer: Deny) -> Deny:
        if len(self._refused) >= MOST_REMEMBERED:
            self._refused.clear()
        self._refused[shown.key] = (self._clock(), answer)
        return answer

    def _note_unfinished(self, key: SessionKey) -> None:
        """A store that goes away between two writes must not cost a client its token: this process may begin it again."""
        if len(self._unfinished) >= MOST_REMEMBERED:
            self._unfinished.clear()
        self._unfinished.add(key)


def _device(request: Request) -> Device:
    agent = (request.header(b"user-agent") or b"").decode("ascii", "replace")
    return Device(peer=request.peer, user_agent=agent[:256])


def _unheard(why: Trouble | Misconfigured) -> Deny:
    if isinstance(why, Misconfigured):
        return _deny(503, Reason.IDP_MISCONFIGURED, RETRY_AFTER)
    return _deny(503, Reason.IDP_TROUBLE, max(RETRY_AFTER, int(min(why.retry_after or 0, 3600))))


def _deny(status: int, reason: Reason, retry_after: int | None = None) -> Deny:
    """Never for a navigation: a client that shows a token cannot sign in by a page."""
    return Deny(status=status, reason=reason, kind=Kind.SCRIPT, retry_after=retry_after)
