"""What happens to one request: Own, Open, Admit, Renew, SignIn or Deny.

`forward` takes only an `Open` or an `Admit`: forwarding without a decision cannot be written.
"""

from dataclasses import dataclass
from enum import Enum, unique
from typing import TypeAlias

from proxy.reasons import Reason
from proxy.session.model import SessionKey


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
