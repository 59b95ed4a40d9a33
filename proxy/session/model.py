"""A signed-in browser: the session, its account state, and the five things an IdP can answer at a refresh."""

from dataclasses import dataclass, field
from enum import Enum, unique
from typing import NewType, TypeAlias

from proxy.identity import Identity, IdpId, Subject
from proxy.reasons import Reason

SessionKey = NewType("SessionKey", str)
"""SHA-256 of the cookie's 32 random bytes, in hex: what the store, logs and audit know a session by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the IdP issued. Times are seconds since the epoch; None means the IdP did not say."""

    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    access_expires_at: float | None = None
    refresh_expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The account exists and is active. `login` is the app's own, read from the app (semantics §10.1).

    `account_id` is None when no app admin API is configured; `login` then is the claim that the operator named.
    """

    login: str
    account_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The app has not agreed yet; the browser sees "being set up", and nothing is forwarded."""

    reason: Reason = Reason.BEING_SET_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRefused:
    """No account for this person; the browser sees why, and nothing is forwarded."""

    reason: Reason


AccountState: TypeAlias = Ready | Pending | AccountRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The durable mark made before a refresh token is sent to the IdP (semantics §5.7).

    `token_hash` is the SHA-256 of the refresh token, hex. While the mark names the session's current refresh token,
    somebody sent it and never wrote down the answer: an `invalid_grant` is then our own doing.
    """

    token_hash: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where a session was begun, as a person may recognise it; nothing is decided by it."""

    peer: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """How and when the IdP last saw the person (OpenID Connect Core §2: `acr`, `amr`, `auth_time`); None: it did not say.

    Of the sign-in: a refresh is no new authentication.
    """

    acr: str | None = None
    amr: tuple[str, ...] = ()
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in browser. Immutable: a change is a new record, saved under the lease's fence.

    `identity.groups` is the last known set: a refresh that states no groups leaves it (semantics §2).
    `refreshed_at` is when the IdP last vouched; `due_at` when it must be asked again; `due_at + grace` is the end of
    being served through trouble. `next_attempt_at` is the cool-off after trouble. All seconds since the epoch.
    `version` grows by one with every save; the store refuses a save whose version is not the next.
    """

    key: SessionKey
    subject: Subject
    idp: IdpId
    identity: Identity
    account: AccountState
    tokens: Tokens = field(repr=False)
    created_at: float
    last_seen_at: float
    refreshed_at: float
    due_at: float
    next_attempt_at: float | None = None
    trouble: Reason | None = None
    spent: Spent | None = None
    idp_session: str | None = None
    device: Device = Device()
    authentication: Authentication = Authentication()
    version: int = 1


@unique
class Condition(Enum):
    """What a session is worth at `now`."""

    FRESH = "fresh"
    DUE = "due"
    WAITING = "waiting"
    STALE = "stale"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """The IdP vouched again. `identity.groups` may be NOT_STATED; `tokens` are complete (an unrotated refresh token is kept)."""

    identity: Identity
    tokens: Tokens = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The IdP said no about a known subject, with a known marker (docs/idps.md)."""

    marker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAgain:
    """The IdP wants to see the browser, or the operator another IdP (`reason`). `code` is the error code.

    `is_plain_invalid_grant`: a bare `invalid_grant` without any marker that explains it (expired, rotated, policy);
    only such an answer may start a suspicion timer (semantics §5.3).
    """

    code: str
    is_plain_invalid_grant: bool = False
    reason: Reason = Reason.ASK_AGAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """No usable answer: network, time-out, 429, 5xx, not JSON. `retry_after` in seconds where the IdP said so."""

    detail: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Misconfigured:
    """The IdP rejects us, not the person: `invalid_client` and kin."""

    code: str


RefreshOutcome: TypeAlias = Refreshed | Denied | AskAgain | Trouble | Misconfigured
