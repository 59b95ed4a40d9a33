"""Decides about each request: at once from the cache in the steady state, else by looking at the store and asking the IdP.

`decide_now` is plain synchronous code: no task, no await, no cryptography, no store. It answers None when it cannot know.
`decide` is the slow path; it never admits without a session that the store or a proved cache holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from proxy.errors import Unavailable
from proxy.gate.cache import PROOF_SECONDS, Cached, SessionCache
from proxy.gate.decision import (
    Admit,
    Deny,
    Kind,
    Open,
    Own,
    Renew,
    Request,
    SignIn,
    Verdict,
    is_preflight,
    judge,
    kind_of,
)
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.model import Condition, Ready, Session, SessionKey
from proxy.session.store import SessionStore

OWN_PREFIX = b"/_muster/"
HEALTH_PATHS = frozenset({b"/_muster/livez", b"/_muster/readyz"})
RENEWALS_PER_REQUEST = 2


class Renewals(Protocol):
    """The keeper, as a request meets it."""

    async def renew(self, key: SessionKey) -> Session | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """`hosts` are the Host values of `public_url`, lower-cased, with and without a default port.

    `open_paths` are exact paths; `open_prefixes` end in `/`. `cors_origins` are the origins whose preflights are forwarded,
    as browsers write them. `cache_grace` is how long a cached session is used while the store fails over (Decision 3), in
    seconds.
    """

    hosts: frozenset[bytes]
    refresh: policy.RefreshRules
    open_paths: frozenset[bytes] = frozenset()
    open_prefixes: tuple[bytes, ...] = ()
    cors_origins: frozenset[bytes] = frozenset()
    cache_grace: float = 5.0


class Gate:
    """One process's gate. `render` gives the identity header block of a ready session, or why it cannot be sent."""

    def __init__(
        self,
        store: SessionStore,
        renewals: Renewals,
        cache: SessionCache,
        rules: GateRules,
        *,
        render: Callable[[Session, Ready], bytes | Reason],
        key_of: Callable[[bytes], SessionKey | None],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._renewals = renewals
        self._cache = cache
        self._rules = rules
        self._render = render
        self._key_of = key_of
        self._clock = clock

    def decide_now(self, request: Request) -> Verdict | None:
        """The verdict, when it can be known without waiting."""
        if request.host not in self._rules.hosts and request.path not in HEALTH_PATHS:
            return Deny(status=421, reason=Reason.WRONG_HOST, kind=kind_of(request))
        if request.path.startswith(OWN_PREFIX):
            return Own()
        if self._is_open(request.path) or (self._rules.cors_origins and self._is_known_preflight(request)):
            return Open()
        if request.cookie is None:
            return SignIn(reason=Reason.NOT_SIGNED_IN, kind=kind_of(request))
        entry = self._cache.entries.get(request.cookie)
        if entry is None:
            return None
        now = self._clock()
        believed = self._rules.cache_grace if self._cache.is_away else PROOF_SECONDS
        if now >= entry.until or now - self._cache.proved_at > believed:
            return None
        entry.seen_at = now
        return entry.admit

    async def decide(self, request: Request) -> Verdict:
        """The verdict, however long it takes; a store that does not answer is a 503, never a sign-out and never open."""
        known = self.decide_now(request)
        if known is not None:
            return known
        kind = kind_of(request)
        cookie = request.cookie or b""
        key = self._key_of(cookie)
        if key is None:
            return SignIn(reason=Reason.NOT_SIGNED_IN, kind=kind)
        try:
            return await self._by_store(cookie, key, kind)
        except Unavailable as away:
            return self._through_failover(cookie) or Deny(
                status=503, reason=Reason.STORE_UNAVAILABLE, kind=kind, retry_after=away.retry_after
            )

    async def _by_store(self, cookie: bytes, key: SessionKey, kind: Kind) -> Verdict:
        for _ in range(RENEWALS_PER_REQUEST):
            epoch = self._cache.epoch
            session = await self._store.load(key)
            if session is None:
                return SignIn(reason=Reason.NOT_SIGNED_IN, kind=kind)
            state = policy.condition(session, self._clock(), self._rules.refresh)
            decision = judge(session, state, kind)
            match decision:
                case Renew(session=key):
                    await self._renewals.renew(key)
                case SignIn() if state is Condition.ENDED:
                    await self._store.end([key], decision.reason, self._clock())
                    return decision
                case SignIn() | Deny():
                    return decision
                case Ready():
                    return self._admit(cookie, session, decision, kind, epoch)
                case _:
                    assert_never(decision)
        # Somebody renewed it twice and it is still due: the interval is shorter than an answer takes.
        return Deny(status=503, reason=Reason.IDP_TROUBLE, kind=kind, retry_after=5)

    def _admit(self, cookie: bytes, session: Session, account: Ready, kind: Kind, epoch: int) -> Admit | Deny:
        block = self._render(session, account)
        if isinstance(block, Reason):
            return Deny(status=502, reason=block, kind=kind)
        admit = Admit(session=session.key, block=block)
        entry = Cached(
            cookie=cookie,
            session=session,
            admit=admit,
            until=policy.serve_until(session, self._rules.refresh),
            early_at=policy.early_at(session, self._rules.refresh),
            seen_at=self._clock(),
        )
        self._cache.put(entry, epoch=epoch)
        return admit

    def _through_failover(self, cookie: bytes) -> Admit | None:
        entry = self._cache.get(cookie)
        now = self._clock()
        if entry is None or now >= entry.until or now - self._cache.proved_at > self._rules.cache_grace:
            return None
        return entry.admit

    def _is_known_preflight(self, request: Request) -> bool:
        """Browsers send preflights without cookies, whoever is signed in; what they ask, only the app can answer."""
        return is_preflight(request) and request.header(b"origin") in self._rules.cors_origins

    def _is_open(self, path: bytes) -> bool:
        return path in self._rules.open_paths or path.startswith(self._rules.open_prefixes)
