"""What happens to one request: Own, Open, Admit, Renew, SignIn or Deny.

`forward` takes only an `Open` or an `Admit`: forwarding without a decision cannot be written.
"""

import re
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final, TypeAlias, assert_never

from proxy.gate.fields import fold
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
from proxy.session.step_up import Demand


@unique
class Kind(Enum):
    """Who is asking: a browser that navigates (may be redirected), a script (gets 401 JSON, never starts an attempt), or a
    gRPC client (reads `grpc-status`)."""

    NAVIGATION = "navigation"
    SCRIPT = "script"
    GRPC = "grpc"


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
    """No usable session. A navigation is sent to sign in (`is_silent`: with `prompt=none` first), a script gets 401 JSON.

    `demand`: there is a session, and it does not prove enough for this path.
    """

    reason: Reason
    kind: Kind
    is_silent: bool = False
    demand: Demand | None = None


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


_READS: Final = frozenset({b"GET", b"HEAD"})
_NO_WEIGHT: Final = re.compile(rb"q=0(?:\.0{0,3})?")
_FORMS: Final = (b"application/x-www-form-urlencoded", b"multipart/form-data", b"text/plain")
OVERRIDES: Final = frozenset({b"x-http-method", b"x-http-method-override", b"x-method-override"})
"""Fields that tell some apps to read another method, folded: an app behind CGI or WSGI reads `X_HTTP_Method_Override` as one."""


def overriding(request: Request) -> list[bytes]:
    """The methods that an app may be told to read instead, in any spelling of the fields that say so."""
    fields = zip(request.names, request.headers, strict=True)
    return [value.strip().upper() for name, (_, value) in fields if fold(name) in OVERRIDES]


def kind_of(request: Request) -> Kind:
    """Who is asking, as far as they say; whoever says nothing is taken for a script."""
    return declared_kind(request) or Kind.SCRIPT


def declared_kind(request: Request) -> Kind | None:
    """What a request says of itself; the first line that fits.

    Headers are hints: nothing but the shape of our own answer hangs on them.

    | the request | is |
    |---|---|
    | `Content-Type: application/grpc…` | gRPC |
    | `X-Requested-With` (but an Android package name, which WebViews send with everything), or `Upgrade` | a script |
    | `Accept: text/event-stream` (EventSource), or a preflight | a script |
    | `Sec-Purpose` or `Purpose` says prefetch or prerender: nobody is looking yet | a script |
    | `Sec-Fetch-Mode: navigate`; any other mode | a navigation; a script |
    | asks for HTML, not JSON, by GET or HEAD or as a form is sent | a navigation |
    | anything else | says nothing |

    The line before the last is for browsers that send no Fetch Metadata: old ones, and all of them on plain http.
    """
    if _lower(request, b"content-type").startswith(b"application/grpc"):
        return Kind.GRPC
    accept = _accepted(request)
    if _is_marked_script(request) or b"text/event-stream" in accept or is_preflight(request):
        return Kind.SCRIPT
    mode = request.header(b"sec-fetch-mode")
    if mode is not None:
        return Kind.NAVIGATION if mode.strip().lower() == b"navigate" else Kind.SCRIPT
    is_page = b"text/html" in accept and b"json" not in accept
    is_form = request.method == b"POST" and _lower(request, b"content-type").startswith(_FORMS)
    return Kind.NAVIGATION if is_page and (request.method in _READS or is_form) else None


def _accepted(request: Request) -> bytes:
    """What the client takes, of all `Accept` lines, without what it weighs as nothing (RFC 9110 §12.4.2, §12.5.1)."""
    values = (
        value for own, (_, value) in zip(request.names, request.headers, strict=True) if own == b"accept"
    )
    accept = b",".join(values).lower()
    return (
        accept if b"q=0" not in accept else b",".join([one for one in accept.split(b",") if _is_wanted(one)])
    )


def _is_wanted(media_range: bytes) -> bool:
    return not any(_NO_WEIGHT.fullmatch(one.strip(b" \t")) for one in media_range.split(b";")[1:])


def _lower(request: Request, name: bytes) -> bytes:
    return (request.header(name) or b"").strip().lower()


def _is_marked_script(request: Request) -> bool:
    requested_with = request.header(b"x-requested-with")
    if (requested_with is not None and b"." not in requested_with) or request.header(b"upgrade") is not None:
        return True
    purpose = _lower(request, b"sec-purpose") + _lower(request, b"purpose")
    return b"prefetch" in purpose or b"prerender" in purpose


def is_preflight(request: Request) -> bool:
    """A CORS preflight (Fetch §4.8): no body and no field that a script chose, so nothing but a question.

    A method override makes it something else to some apps; no browser sends one in a preflight.
    """
    if request.method != b"OPTIONS" or request.header(b"origin") is None:
        return False
    has_body = request.header(b"transfer-encoding") is not None or request.header(b"content-length") not in (
        None,
        b"0",
    )
    is_asking = request.header(b"access-control-request-method") is not None
    return is_asking and not has_body and not overriding(request)


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
            return by_account(session.account, kind)
        case _:
            assert_never(condition)


def by_account(account: AccountState, kind: Kind) -> Ready | Deny:
    """What the account alone means for a request of a session that is worth something."""
    match account:
        case Ready():
            return account
        case Pending(reason=reason):
            return Deny(status=503, reason=reason, kind=kind, retry_after=2)
        case AccountRefused(reason=reason):
            return Deny(status=403, reason=reason, kind=kind)
        case _:
            assert_never(account)
