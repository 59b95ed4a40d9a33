"""What happens to one request: Own, Open, Admit, Renew, SignIn or Deny.

`forward` takes only an `Open` or an `Admit`: forwarding without a decision cannot be written.
"""

from dataclasses import dataclass
from enum import Enum, unique
from typing import TypeAlias, assert_never

from proxy.reasons import Reason
from proxy.session.model import (
    AccountRefused,
    AccountState,
    Condition,
    Pending,
    Ready,
    Session,
    SessionKey,
)


@unique
class Kind(Enum):
    """Who is asking: a browser that navigates (may be redirected) or a script (gets 401 JSON, never starts an attempt)."""

    NAVIGATION = "navigation"
    SCRIPT = "script"


class Request:
    """A parsed request head, as the edge hands it to the gate; not frozen, for speed: treat it as such.

    `headers` keep their order and spelling; `names` are the same fields' names in lower case. `target` is the request target as
    received (origin form), `path` its part before `?`. `host` is the one valid Host, lower-cased, or None in HTTP/1.0.
    `cookie` is the raw value of our own cookie, None when it is absent or stands there more than once with different values.
    """

    __slots__ = ("cookie", "headers", "host", "method", "names", "path", "peer", "scheme", "target")

    def __init__(
        self,
        *,
        method: bytes,
        target: bytes,
        path: bytes,
        headers: list[tuple[bytes, bytes]],
        names: list[bytes],
        host: bytes | None,
        cookie: bytes | None,
        peer: str,
        scheme: str,
    ) -> None:
        self.method = method
        self.target = target
        self.path = path
        self.headers = headers
        self.names = names
        self.host = host
        self.cookie = cookie
        self.peer = peer
        self.scheme = scheme

    def header(self, name: bytes) -> bytes | None:
        """The first value of a field, by its lower-case name."""
        for own, (_, value) in zip(self.names, self.headers, strict=True):
            if own == name:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A page of ours: the control plane answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Forwarded without a session: the operator said this path is open. No identity header goes with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """Forwarded for this session. `block` is the rendered identity header block (`Name: value\\r\\n` each)."""

    session: SessionKey
    block: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """The IdP must be asked first; the request waits for one renewal, whoever does it."""

    session: SessionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """No usable session. A navigation is sent to sign in (`is_silent`: with `prompt=none` first), a script gets 401 JSON."""

    reason: Reason
    kind: Kind
    is_silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """Answered by us. `retry_after` in seconds."""

    status: int
    reason: Reason
    kind: Kind
    retry_after: int | None = None


Decision: TypeAlias = Own | Open | Admit | Renew | SignIn | Deny
Verdict: TypeAlias = Own | Open | Admit | SignIn | Deny
"""A decision after any renewal: what the edge carries out."""


def kind_of(request: Request) -> Kind:
    """Who is asking. A browser that navigates says so (Fetch Metadata); older ones ask for HTML with a plain GET or HEAD."""
    mode = request.header(b"sec-fetch-mode")
    if request.header(b"x-requested-with") is not None or request.header(b"upgrade") is not None:
        return Kind.SCRIPT
    if mode is not None:
        return Kind.NAVIGATION if mode.strip().lower() == b"navigate" else Kind.SCRIPT
    accepts_html = b"text/html" in (request.header(b"accept") or b"").lower()
    return Kind.NAVIGATION if accepts_html and request.method in (b"GET", b"HEAD") else Kind.SCRIPT


def judge(session: Session, condition: Condition, kind: Kind) -> Ready | Renew | SignIn | Deny:
    """What a session's condition and account mean for a request; `Ready` is to be admitted.

    | condition | has a refresh token | account | answer |
    |---|---|---|---|
    | ended | – | – | sign in |
    | due | no | – | silent sign-in |
    | due | yes | – | renew |
    | stale | – | – | 503 |
    | fresh, waiting | – | pending | 503 "being set up" |
    | fresh, waiting | – | refused | 403 with the reason |
    | fresh, waiting | – | ready | admit |
    """
    match condition:
        case Condition.ENDED:
            return SignIn(reason=Reason.TOO_OLD, kind=kind)
        case Condition.DUE:
            if session.tokens.refresh_token is None:
                reason = session.trouble or Reason.NO_REFRESH_TOKEN
                return SignIn(reason=reason, kind=kind, is_silent=True)
            return Renew(session=session.key)
        case Condition.STALE:
            return Deny(status=503, reason=Reason.GRACE_OVER, kind=kind, retry_after=30)
        case Condition.FRESH | Condition.WAITING:
            return _by_account(session.account, kind)
        case _:
            assert_never(condition)


def _by_account(account: AccountState, kind: Kind) -> Ready | Deny:
    match account:
        case Ready():
            return account
        case Pending(reason=reason):
            return Deny(status=503, reason=reason, kind=kind, retry_after=2)
        case AccountRefused(reason=reason):
            return Deny(status=403, reason=reason, kind=kind)
        case _:
            assert_never(account)
