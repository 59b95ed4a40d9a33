"""Decides about each request: at once from the cache in the steady state, else by looking at the store and asking the IdP.

`decide_now` is plain synchronous code: no task, no await, no cryptography, no store. It answers None when it cannot know.
`decide` is the slow path; it never admits without a session that the store or a proved cache holds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

from proxy.errors import Unavailable
from proxy.gate.assertion import Asserted
from proxy.gate.authorization import DOUBLED, cache_name, presented
from proxy.gate.bearer import Bearers, Shown
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
    by_account,
    is_preflight,
    judge,
    kind_of,
)
from proxy.gate.paths import NO_RULES, SIGNED_IN, PathRule, PathRules
from proxy.gate.spelling import is_open_spelling
from proxy.reasons import Reason
from proxy.session import policy
from proxy.session.model import Condition, Ready, Session, SessionKey
from proxy.session.store import SessionStore

OWN_PREFIX = b"/_muster/"
HOSTLESS_PATHS = frozenset({b"/_muster/livez", b"/_muster/readyz", b"/_muster/jwks.json"})
"""The same for everybody, and asked for by machines that know us by another name than people do."""

RENEWALS_PER_REQUEST = 2


class Renewals(Protocol):
    """The keeper, as a request meets it."""

    async def renew(self, key: SessionKey) -> Session | None: ...


class Asserts(Protocol):
    """Who signs assertions."""

    def mint(self, session: Session, account: Ready, now: float) -> Asserted: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """`hosts` are the Host values of `public_url`, lower-cased, with and without a default port.

    `open_paths` are exact paths; `open_prefixes` end in `/`; they come before `paths`. `cors_origins` are the origins whose
    preflights are forwarded, as browsers write them. `cache_grace` is how long a cached session is used while the store fails
    over (Decision 3), in seconds.
    """

    hosts: frozenset[bytes]
    refresh: policy.RefreshRules
    open_paths: frozenset[bytes] = frozenset()
    open_prefixes: tuple[bytes, ...] = ()
    paths: PathRules = NO_RULES
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
        bearers: Bearers | None = None,
        asserts: Asserts | None = None,
    ) -> None:
        self._store = store
        self._renewals = renewals
        self._cache = cache
        self._rules = rules
        self._render = render
        self._key_of = key_of
        self._clock = clock
        self._bearers = bearers
        self._asserts = asserts

    def decide_now(self, request: Request) -> Verdict | None:
        """The verdict, when it can be known without waiting."""
        rules, path = self._rules, request.path
        if request.host not in rules.hosts and path not in HOSTLESS_PATHS:
            return Deny(status=421, reason=Reason.WRONG_HOST, kind=kind_of(request))
        if path.startswith(OWN_PREFIX):
            return Own()
        if (rules.open_paths or rules.open_prefixes) and self._is_open(path):
            return Open()
        rule = rules.paths.rule_of(request) if rules.paths.rules else SIGNED_IN
        if rule is None:
            return Deny(status=400, reason=Reason.AMBIGUOUS_PATH, kind=kind_of(request))
        if rules.cors_origins and self._is_known_preflight(request):
            return Open()
        name = request.cookie
        if name is None:
            # Our cookie goes first: a page's own script may send its app a token that is no affair of ours.
            shown = presented(request) if self._bearers is not None else None
            if shown is None:
                return Open() if rule.is_optional else _stranger(rule, request)
            if shown is DOUBLED:
                return None
            name = cache_name(shown)
        cache = self._cache
        entry = cache.entries.get(name)
        if entry is None:
            return None
        now = self._clock()
        believed = rules.cache_grace if cache.is_away else PROOF_SECONDS
        if now >= entry.until or now - cache.proved_at > believed:
            return None
        entry.seen_at = now
        return entry.admit if rule is SIGNED_IN else self._ruled(entry, rule, request)

    async def decide(self, request: Request) -> Verdict:
        """The verdict, however long it takes; a store that does not answer is a 503, never a sign-out and never open."""
        known = self.decide_now(request)
        if known is not None:
            return known
        # decide_now answers what no rule can be told for.
        rule = (self._rules.paths.rule_of(request) if self._rules.paths else None) or SIGNED_IN
        verdict = await self._of_session(request, rule)
        if rule.is_optional and _is_nobody(verdict):
            return Open()
        return verdict

    async def _of_session(self, request: Request, rule: PathRule) -> Verdict:
        verdict: Cached | SignIn | Deny
        if request.cookie is None and self._bearers is not None:
            verdict = await self._of_bearer(request, self._bearers)
        else:
            verdict = await self._of_cookie(request.cookie or b"", rule.kind(request))
        return self._ruled(verdict, rule, request) if isinstance(verdict, Cached) else verdict

    async def _of_cookie(self, cookie: bytes, kind: Kind) -> Cached | SignIn | Deny:
        held = self._held(cookie, self._believed())
        if held is not None:
            return held
        key = self._key_of(cookie)
        if key is None:
            return SignIn(reason=Reason.NOT_SIGNED_IN, kind=kind)
        try:
            return await self._by_store(cookie, key, kind)
        except Unavailable as away:
            return self._held(cookie, self._rules.cache_grace) or _store_away(away, kind)

    async def _of_bearer(self, request: Request, bearers: Bearers) -> Cached | Deny:
        shown = bearers.shown(request)
        if isinstance(shown, Deny):
            return shown
        held = self._held(shown.name, self._believed())
        if held is not None:
            return held
        try:
            return await self._by_token(shown, bearers)
        except Unavailable as away:
            return self._held(shown.name, self._rules.cache_grace) or _store_away(away, Kind.SCRIPT)

    async def _by_token(self, shown: Shown, bearers: Bearers) -> Cached | Deny:
        for _ in range(RENEWALS_PER_REQUEST):
            epoch = self._cache.epoch
            session = await bearers.load(shown)
            if session is not None:
                account = by_account(session.account, Kind.SCRIPT)
                if isinstance(account, Deny):
                    return account
                return self._admit(shown.name, session, account, Kind.SCRIPT, epoch)
            refusal = await bearers.look(shown)
            if refusal is not None:
                return refusal
        return Deny(status=503, reason=Reason.IDP_TROUBLE, kind=Kind.SCRIPT, retry_after=5)

    def _ruled(self, entry: Cached, rule: PathRule, request: Request) -> Admit | Deny | SignIn:
        session = entry.session
        refused = rule.refusal(session.identity, session.authentication, request, self._clock())
        if refused is not None and request.cookie is None and refused.kind is Kind.NAVIGATION:
            # A client that shows a token cannot answer a page, whatever else its request says.
            return replace(refused, kind=Kind.SCRIPT)
        return refused or entry.admit

    async def _by_store(self, cookie: bytes, key: SessionKey, kind: Kind) -> Cached | SignIn | Deny:
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

    def _admit(
        self, cookie: bytes, session: Session, account: Ready, kind: Kind, epoch: int
    ) -> Cached | Deny:
        now = self._clock()
        told = self._told(session, account, now)
        if isinstance(told, Reason):
            return Deny(status=502, reason=told, kind=kind)
        admit, renew_at = told
        entry = Cached(
            cookie=cookie,
            session=session,
            admit=admit,
            until=policy.serve_until(session, self._rules.refresh),
            early_at=policy.early_at(session, self._rules.refresh),
            seen_at=now,
        )
        entry.until = min(entry.served_until, renew_at)
        self._cache.put(entry, epoch=epoch)
        return entry

    def _told(self, session: Session, account: Ready, now: float) -> tuple[Admit, float] | Reason:
        """What the app is told, and until when it may be told this."""
        block = self._render(session, account)
        if isinstance(block, Reason):
            return block
        if self._asserts is None:
            return Admit(session=session.key, block=block), math.inf
        asserted = self._asserts.mint(session, account, now)
        return Admit(session=session.key, block=block + asserted.line), asserted.renew_at

    def _believed(self) -> float:
        """How old the proof of the change channel may be (Decision 3)."""
        return self._rules.cache_grace if self._cache.is_away else PROOF_SECONDS

    def _held(self, name: bytes, believed: float) -> Cached | None:
        """What the cache holds and may be served, its assertion made anew where only that is old; no store is asked."""
        entry = self._cache.get(name)
        now = self._clock()
        if entry is None or now >= entry.served_until or now - self._cache.proved_at > believed:
            return None
        if now >= entry.until and not self._retold(entry, now):
            return None
        entry.seen_at = now
        return entry

    def _retold(self, entry: Cached, now: float) -> bool:
        """Whether the app can be told of this session anew."""
        account = entry.session.account
        told = self._told(entry.session, account, now) if isinstance(account, Ready) else None
        if told is None or isinstance(told, Reason):
            return False
        entry.admit, renew_at = told
        entry.until = min(entry.served_until, renew_at)
        return True

    def _is_known_preflight(self, request: Request) -> bool:
        """Browsers send preflights without cookies, whoever is signed in; what they ask, only the app can answer."""
        return is_preflight(request) and request.header(b"origin") in self._rules.cors_origins

    def _is_open(self, path: bytes) -> bool:
        rules = self._rules
        return path in rules.open_paths or (path.startswith(rules.open_prefixes) and is_open_spelling(path))


def _stranger(rule: PathRule, request: Request) -> SignIn:
    return SignIn(reason=Reason.NOT_SIGNED_IN, kind=rule.kind(request))


def _store_away(away: Unavailable, kind: Kind) -> Deny:
    return Deny(status=503, reason=Reason.STORE_UNAVAILABLE, kind=kind, retry_after=away.retry_after)


def _is_nobody(verdict: Verdict) -> bool:
    """Whether a path that needs no sign-in is forwarded all the same: nobody is signed in, or nobody with an account here.

    A store that does not answer stays a 503: somebody may well be signed in, and must not be taken for a stranger.
    """
    if isinstance(verdict, Deny):
        # What is no token of ours may be one of the app's own.
        if verdict.reason is Reason.BEARER_INVALID:
            return True
        return verdict.status in (403, 503) and verdict.reason is not Reason.STORE_UNAVAILABLE
    return isinstance(verdict, SignIn)
