"""Forward-auth: another proxy asks us about a request, and forwards it itself when we say 200.

| it asks at | the request is told by | an answer other than 200 is |
|---|---|---|
| `/_muster/auth` | `X-Forwarded-Method`, `-Uri`, `-Host` | passed on to the client: 303, 401, 403, 503 as ever (Traefik, Caddy) |
| `/_muster/auth/nginx` | the same | 401 or 403: `auth_request` knows no other |
| `/_muster/auth/refusal` | the same | passed on: where nginx gets the page for what it was refused |
| `/_muster/auth/envoy/…` | method and Host of the question, and the path after `/envoy` | passed on to the client |

Rules kept here:
- What is told is judged as strictly as a head of our own. `X-Original-Method`, `-URI` and `-URL` may stand beside or
  instead; where two fields say two things the request is refused, since one of them may be the client's.
- The answer says what the app is to get: identity fields, `Cookie` without ours, `Authorization` where it is passed. What is not
  there the proxy must take out of the request; Envoy is told its names.
- Another spelling of such a field (`X_Forwarded_User`) the proxy would overlook: then the request is refused. So it is with a
  field that tells some apps another path than the one that is judged (`X-Rewrite-URL`, `X_Original_URL`; to Envoy's questions
  also `X-Original-URL`, unless it is the same).
- A question about a question's own path is no: a proxy that sends only `/_muster/*` but these to us would take a yes to the app.
- A refusal is never 2xx, whoever asks.

Pure: no clock, no socket.
"""

from collections.abc import Iterable
from dataclasses import replace
from enum import Enum, unique
from typing import Final

from proxy.edge.handshake import WebSocketRules, may_open
from proxy.edge.head import METHODS, read_host
from proxy.edge.ports import Answer
from proxy.edge.target import is_ambiguous, read_target
from proxy.gate.decision import Admit, Deny, Kind, Open, Own, Request, SignIn, kind_of
from proxy.gate.fields import OTHER_PATHS, Cookies, Field, FieldRules, fold
from proxy.reasons import Reason

PATH: Final = b"/_muster/auth"
_ENVOY: Final = b"/_muster/auth/envoy"
_ENVOY_REMOVES: Final = b"X-Envoy-Auth-Headers-To-Remove"

_METHOD_NAMES: Final = frozenset((b"x-forwarded-method", b"x-original-method"))
_TARGET_NAMES: Final = frozenset((b"x-forwarded-uri", b"x-original-uri", b"x-original-url"))
_HOST_NAMES: Final = frozenset((b"x-forwarded-host",))
_OUR_PREFIXES: Final = (b"x-forwarded-", b"x-muster-")
_HANDSHAKE: Final = frozenset((b"sec-websocket-key", b"upgrade"))
_NAMES_KEPT: Final = 1024
_NAME_BYTES_KEPT: Final = 64


@unique
class Dialect(Enum):
    """How the proxy that asks takes an answer (the table above)."""

    PASSING = "passing"
    NGINX = "nginx"
    REFUSAL = "refusal"
    ENVOY = "envoy"


_DIALECTS: Final = {
    PATH: Dialect.PASSING,
    b"/_muster/auth/nginx": Dialect.NGINX,
    b"/_muster/auth/refusal": Dialect.REFUSAL,
}


def dialect_of(path: bytes) -> Dialect | None:
    """Which question this path is; None: none."""
    known = _DIALECTS.get(path)
    return Dialect.ENVOY if known is None and path.startswith(_ENVOY + b"/") else known


class Asking:
    """Reads questions and says yes or no to them. One per process: it remembers its verdict on each spelling, bounded."""

    def __init__(self, fields: FieldRules, websockets: WebSocketRules) -> None:
        self._identity = tuple(name.encode("ascii") for name in fields.identity)
        self._told = (*self._identity, b"Cookie", b"Authorization")
        self._folded = frozenset(fold(name) for name in self._told)
        self._passes_authorization = fields.passes_authorization
        self._cookies = Cookies(fields.cookie.encode("ascii"))
        self._websockets = websockets
        self._odd: dict[bytes, bool] = {}

    def about(self, question: Request, dialect: Dialect) -> Request | Deny:
        """The request that is asked about, judged; or why nothing can be said of it."""
        told = _envoys(question) if dialect is Dialect.ENVOY else _stated(question)
        if told is None:
            return Deny(status=400, reason=Reason.PROXY_UNCLEAR, kind=kind_of(question))
        method, raws, host = told
        if method not in METHODS:
            return Deny(status=501, reason=Reason.BAD_REQUEST, kind=kind_of(question))
        targets = {read_target(method, raw) for raw in raws}
        found = {target[:2] for target in targets if target is not None}
        authorities = {target[2] for target in targets if target is not None} - {None, host}
        if None in targets or len(found) != 1 or authorities or any(map(self._is_odd, question.names)):
            return _bad(question)
        target, path = found.pop()
        about = Request(
            method=method,
            target=target,
            path=path,
            headers=question.headers,
            names=question.names,
            host=host,
            cookie=question.cookie,
            peer=question.peer,
            scheme=question.scheme,
        )
        return self._doubted(about) or about

    def allowed(self, about: Request, verdict: Admit | Open | Own, dialect: Dialect) -> Answer:
        """200, with what the app is to get."""
        fields = _fields_of(verdict.block) if isinstance(verdict, Admit) else []
        cookies = [self._cookies.rest(value) for value in _values(about, (b"cookie",))]
        if any(cookies):
            fields.append((b"Cookie", b"; ".join(filter(None, cookies))))
        if self._passes_authorization:
            fields += ((b"Authorization", value) for value in _values(about, (b"authorization",)))
        if dialect is Dialect.ENVOY:
            given = {name for name, _ in fields}
            absent = [name.lower() for name in self._told if name not in given]
            if absent:
                fields.append((_ENVOY_REMOVES, b",".join(absent)))
        return Answer(status=200, headers=(*fields, (b"Cache-Control", b"no-store")))

    def _doubted(self, about: Request) -> Deny | None:
        if is_ambiguous(about.path):
            return Deny(status=400, reason=Reason.AMBIGUOUS_PATH, kind=kind_of(about))
        if about.path.startswith(PATH):
            return Deny(status=404, reason=Reason.BAD_REQUEST, kind=kind_of(about))
        origins = _values(about, (b"origin",))
        is_handshake = not _HANDSHAKE.isdisjoint(about.names)
        if is_handshake and not may_open(origins, about.host, about.scheme, self._websockets):
            return Deny(status=403, reason=Reason.WRONG_ORIGIN, kind=Kind.SCRIPT)
        return None

    def _is_odd(self, name: bytes) -> bool:
        verdict = self._odd.get(name)
        if verdict is None:
            folded = fold(name)
            is_ours = folded in self._folded or folded.startswith(_OUR_PREFIXES)
            is_other_path = folded in OTHER_PATHS and name not in _TARGET_NAMES
            verdict = is_other_path or (is_ours and folded != name)
            if len(self._odd) >= _NAMES_KEPT:
                self._odd.clear()
            if len(name) <= _NAME_BYTES_KEPT:
                self._odd[name] = verdict
        return verdict


def untrusted(question: Request) -> Deny:
    """Somebody asks whose word about a request is not believed."""
    return Deny(status=403, reason=Reason.UNTRUSTED_PROXY, kind=kind_of(question))


def disagreement(about: Request) -> Deny:
    """A page for a refusal is asked for, and nothing is refused: meanwhile the session was renewed, or began."""
    return Deny(status=503, reason=Reason.PROXY_DISAGREES, kind=kind_of(about), retry_after=1)


def plainly(verdict: SignIn | Deny, dialect: Dialect) -> SignIn | Deny:
    """Told so that the status says it: a gRPC client reads 200 and `grpc-status`, a proxy that asks would let it pass."""
    if verdict.kind is Kind.GRPC and dialect is not Dialect.REFUSAL:
        return replace(verdict, kind=Kind.SCRIPT)
    return verdict


def refused(verdict: SignIn | Deny, answer: Answer, dialect: Dialect) -> Answer:
    """The refusal as this proxy takes it."""
    if dialect is Dialect.NGINX:
        return replace(answer, status=401 if isinstance(verdict, SignIn) else 403, body=b"")
    assert dialect is Dialect.REFUSAL or answer.status >= 300, "a refusal that lets the request pass"
    return answer


def _envoys(question: Request) -> tuple[bytes, list[bytes], bytes | None]:
    """What the question itself tells; a field that some apps read their path from must not tell another."""
    return (
        question.method,
        [question.target.removeprefix(_ENVOY), *_values(question, OTHER_PATHS)],
        question.host,
    )


def _stated(question: Request) -> tuple[bytes, list[bytes], bytes | None] | None:
    """Method, targets and Host as fields tell them; None when one is missing, or there are two."""
    methods = set(_values(question, _METHOD_NAMES))
    targets = _values(question, _TARGET_NAMES)
    hosts = set(_values(question, _HOST_NAMES))
    if len(methods) != 1 or not targets or len(hosts) > 1:
        return None
    host = read_host(hosts.pop()) if hosts else question.host
    return None if host is None else (methods.pop(), targets, host)


def _values(request: Request, wanted: Iterable[bytes]) -> list[bytes]:
    pairs = zip(request.names, request.headers, strict=True)
    return [field[1].strip(b" \t") for name, field in pairs if name in wanted]


def _fields_of(block: bytes) -> list[Field]:
    lines = (line.partition(b": ") for line in block.split(b"\r\n")[:-1])
    return [(name, value) for name, _, value in lines]


def _bad(question: Request) -> Deny:
    return Deny(status=400, reason=Reason.BAD_REQUEST, kind=kind_of(question))
