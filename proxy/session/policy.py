"""What a session is worth at a moment, and what an IdP's answer leaves of it (semantics §5).

    signed in ──► FRESH ──due──► DUE ──refreshed──► FRESH
                                  │ trouble, misconfigured
                                  ▼
                                WAITING ──cool-off over──► DUE      (served: due + grace is not over)
                                  │ grace over
                                  ▼
                                STALE ──cool-off over──► DUE        (503, never a sign-out)

    denied ──► every session of the person ends, the account is archived
    ask again ──► this session ends; a plain `invalid_grant` may start a suspicion timer
    ask again about a token that we spent ourselves ──► the session waits for a silent sign-in, no timer

Rules:
- Nobody is served later than `due_at + grace`, whatever happened between; grace is counted from the hour, not from the
  first failure, so that a session left alone overnight is not admitted on the strength of an outage.
- Only an answer about the person ends anything. Trouble and misconfiguration never do.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from proxy.identity import NOT_STATED, Identity
from proxy.reasons import Reason
from proxy.session.model import (
    AskAgain,
    Condition,
    Denied,
    Misconfigured,
    Refreshed,
    RefreshOutcome,
    Session,
    Spent,
    Tokens,
    Trouble,
)
from proxy.session.store import Suspicion

EARLY_SHARE = 0.1
"""The last tenth of the interval: when a session in use may be renewed in the background, spread by its key."""

UNSPENT_CODES = frozenset({"invalid_client", "unauthorized_client"})
"""The IdP did not accept us, so it never looked at the token (RFC 6749 §5.2). After any other misconfiguration (an ID token that
fails its checks) the token may have been spent: the mark stays."""

STORM_AT_LEAST = 5
STORM_SHARE = 0.05
STORM_WINDOW = 600.0
STORM_FREEZE = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRules:
    """The operator's limits, in seconds (settings `refresh` and `session`)."""

    every: float = 3600.0
    at_least: float = 300.0
    grace: float = 3600.0
    cool_off: float = 30.0
    idle: float = 7 * 86400.0
    absolute: float = 30 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Goes:
    """The session goes on as this record; `identity` is what the IdP stated now (groups possibly NOT_STATED)."""

    session: Session
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rides:
    """The session rides out trouble, or waits for a silent sign-in: saved, nothing stated."""

    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """This session ends; `suspicion` is the timer to start, if any."""

    reason: Reason
    suspicion: Suspicion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsPerson:
    """Every session of the person ends, and the account is archived."""

    reason: Reason
    marker: str


Aftermath: TypeAlias = Goes | Rides | Ends | EndsPerson


def due_at(tokens: Tokens, refreshed_at: float, rules: RefreshRules) -> float:
    """When the IdP must be asked again (semantics §5.1), in seconds since the epoch."""
    wait = rules.every
    if tokens.access_expires_at is not None:
        wait = min(wait, max(tokens.access_expires_at - refreshed_at, rules.at_least))
    if tokens.refresh_expires_at is not None:
        wait = min(wait, 0.8 * (tokens.refresh_expires_at - refreshed_at))
    return refreshed_at + max(wait, 0.0)


def condition(session: Session, now: float, rules: RefreshRules) -> Condition:
    """What the session is worth. A record from the future (a clock set back) counts as due (semantics §9.3)."""
    if now - session.created_at >= rules.absolute or now - session.last_seen_at >= rules.idle:
        return Condition.ENDED
    if now < session.due_at and session.refreshed_at <= now + rules.at_least:
        return Condition.FRESH
    if session.next_attempt_at is None or now >= session.next_attempt_at:
        return Condition.DUE
    return Condition.WAITING if now < session.due_at + rules.grace else Condition.STALE


def may_serve(session: Session, now: float, rules: RefreshRules) -> bool:
    """True while the session may be admitted without a new answer: fresh, or waiting within the grace."""
    return condition(session, now, rules) in (Condition.FRESH, Condition.WAITING)


def serve_until(session: Session, rules: RefreshRules) -> float:
    """How long a cached copy may be admitted without looking again."""
    limit = min(session.created_at + rules.absolute, session.last_seen_at + rules.idle)
    if session.next_attempt_at is None:
        return min(session.due_at, limit)
    return min(max(session.due_at, session.next_attempt_at), session.due_at + rules.grace, limit)


def early_at(session: Session, rules: RefreshRules) -> float:
    """When a session in use should be renewed in the background; spread over the last tenth by its key."""
    span = max(session.due_at - session.refreshed_at, 0.0) * EARLY_SHARE
    share = int(session.key[:8], 16) / 0xFFFFFFFF
    return max(session.due_at - span * share, session.next_attempt_at or 0.0)


def token_hash(token: str) -> str:
    """SHA-256 of a refresh token, in hex: names it in the durable mark without keeping it."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_spent(session: Session) -> bool:
    """True when the current refresh token was sent before and no answer was ever written down (semantics §5.7)."""
    token = session.tokens.refresh_token
    return token is not None and session.spent is not None and session.spent.token_hash == token_hash(token)


def marked(session: Session, now: float) -> Session:
    """The session with its mark, to be stored before the token goes out. Needs a refresh token."""
    token = session.tokens.refresh_token
    if token is None:
        raise ValueError("a session without a refresh token cannot be marked")
    return replace(session, spent=Spent(token_hash=token_hash(token), at=now), version=session.version + 1)


def is_storm(started: int, sessions: int) -> bool:
    """More suspicion timers of one IdP within `STORM_WINDOW` than people leave on their own (semantics §5.3)."""
    return started > max(STORM_AT_LEAST, STORM_SHARE * sessions)


def after_refresh(
    session: Session,
    outcome: RefreshOutcome,
    *,
    now: float,
    rules: RefreshRules,
    archive_after: float | None,
    was_spent: bool,
) -> Aftermath:
    """What the IdP's answer leaves of the session.

    `session` carries the mark of this attempt; `was_spent` says that an earlier attempt had marked the same token.
    `archive_after` is the IdP's `ask_again_archives` in seconds, None for never.
    """
    match outcome:
        case Refreshed():
            return _goes(session, outcome, now, rules)
        case Denied(marker=marker):
            return EndsPerson(reason=Reason.IDP_DENIED, marker=marker)
        case AskAgain() if was_spent and outcome.is_plain_invalid_grant:
            return Rides(session=awaiting_browser(session, Reason.OUR_TOKEN_SPENT))
        case AskAgain():
            return Ends(
                reason=outcome.reason, suspicion=_suspicion(session, outcome, now, rules, archive_after)
            )
        case Trouble(retry_after=retry_after):
            wait = max(rules.cool_off, min(retry_after or 0.0, rules.every))
            return Rides(session=_cooling(session, Reason.IDP_TROUBLE, now + wait))
        case Misconfigured(code=code):
            cooled = _cooling(session, Reason.IDP_MISCONFIGURED, now + rules.cool_off)
            return Rides(session=replace(cooled, spent=None) if code in UNSPENT_CODES else cooled)
        case _:
            assert_never(outcome)


def awaiting_browser(session: Session, reason: Reason) -> Session:
    """The session without a refresh token: nothing more can be asked without the browser, so it is due for a silent sign-in."""
    tokens = replace(session.tokens, refresh_token=None, refresh_expires_at=None)
    return replace(
        session, tokens=tokens, trouble=reason, spent=None, next_attempt_at=None, version=session.version + 1
    )


def idp_time(session: Session, at: float) -> float:
    """A moment of our clock as the IdP would write it, in whole seconds like an `iat`; never before its last statement.

    Statements of one IdP are ordered by its own clock (semantics §9.3): what it denied now must not count as later than
    what it vouches for a second from now, only because its clock is behind ours.
    """
    offset = session.identity.stated_at - session.refreshed_at
    return max(float(math.floor(at + offset)), session.identity.stated_at)


def with_last_known(identity: Identity, last: Identity) -> Identity:
    """The identity, with the last known groups where none were stated (semantics §2)."""
    if identity.groups is NOT_STATED:
        return replace(identity, groups=last.groups)
    return identity


def _goes(session: Session, outcome: Refreshed, now: float, rules: RefreshRules) -> Goes:
    # An answer to a later question is the later statement, whatever the IdP's clock says (semantics §9.3).
    stated = replace(outcome.identity, stated_at=max(outcome.identity.stated_at, session.identity.stated_at))
    renewed = replace(
        session,
        identity=with_last_known(stated, session.identity),
        tokens=outcome.tokens,
        refreshed_at=now,
        due_at=due_at(outcome.tokens, now, rules),
        next_attempt_at=None,
        trouble=None,
        spent=None,
        version=session.version + 1,
    )
    return Goes(session=renewed, identity=stated)


def _cooling(session: Session, reason: Reason, until: float) -> Session:
    return replace(session, trouble=reason, next_attempt_at=until, version=session.version + 1)


def _suspicion(
    session: Session, outcome: AskAgain, now: float, rules: RefreshRules, archive_after: float | None
) -> Suspicion | None:
    expires = session.tokens.refresh_expires_at
    has_expired = expires is not None and expires <= now
    is_in_use = now - session.last_seen_at <= rules.every
    if archive_after is None or not outcome.is_plain_invalid_grant or has_expired or not is_in_use:
        return None
    return Suspicion(subject=session.subject, idp=session.idp, started_at=now, fires_at=now + archive_after)
