"""A request head, judged: llhttp took it apart, and here our own list passes or refuses it.

| what stands in the head | answer |
|---|---|
| version other than 1.0 and 1.1 | 505 |
| CONNECT, TRACE (it would echo identity headers) or a method not on the list | 501 |
| control, space or `#` in the target; no origin, absolute or asterisk form | 400 |
| another spelling of an own path | 400 ambiguous_path |
| no Host in 1.1, two Hosts, an invalid one; an absolute target whose authority is no host | 400 |
| Transfer-Encoding not exactly `chunked`, or in 1.0, or beside Content-Length | 400 |
| Content-Length not one plain number | 400 |
| Content-Length beyond the limit | 413 |
| an upgrade with a body | 400 |
| an expectation other than `100-continue` | 417 |
| OPTIONS with a Max-Forwards of 0 | 204 with Allow: it is ours to answer (RFC 9110 §7.6.2) |
| OPTIONS with a Max-Forwards that is not one plain number | 400 |
| our own name in Via too often | 508 |

Length is decided once, here (RFC 9112 §6). Pure: no clock, no socket.
"""

import re
from typing import Final, NamedTuple

from proxy.edge.handshake import handshake_key
from proxy.edge.target import Target, is_ambiguous, is_plain, read_target
from proxy.gate.decision import Request
from proxy.gate.fields import Cookies, Field, named_fields
from proxy.reasons import Reason

CHUNKED: Final = -1
"""The `length` of a body that says its own end."""

METHODS: Final = frozenset(
    b"GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT MKCALENDAR "
    b"MKACTIVITY CHECKOUT MERGE ACL BIND UNBIND REBIND LINK UNLINK PURGE QUERY".split()
)

_WATCHED: Final = frozenset(
    b"host cookie content-length transfer-encoding connection expect upgrade sec-websocket-key sec-websocket-version "
    b"via max-forwards".split()
)
_NO_BODY: Final = frozenset((b"host", b"cookie", b"connection", b"via"))
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_MOST_VISITS: Final = 8
_KNOWN_HOSTS_MAX: Final = 1024
_KNOWN_FIELDS_MAX: Final = 512
_KNOWN_FIELDS_BYTES: Final = 4096
_VERSIONS: Final = ("1.1", "1.0")
_NOTHING_NAMED: Final[frozenset[bytes]] = frozenset()


class Rejection(NamedTuple):
    """A head that goes nowhere; the connection closes after the answer."""

    status: int
    reason: Reason
    detail: str


class Fields:
    """Everything that follows from a head's fields alone. `watched`: the deciding fields' values, by lower-case name.

    `named` is what `Connection` nominates, folded; `kept` the lines that cross to the app, once somebody rendered them.
    `is_simple`: exactly one valid Host (`host`), nothing that speaks of a body, and no loop of ourselves.
    """

    __slots__ = ("cookie", "headers", "host", "is_looping", "is_simple", "kept", "named", "names", "watched")

    def __init__(self, headers: list[Field], cookies: Cookies, pseudonym: bytes | None = None) -> None:
        self.headers = headers
        self.names = [name.lower() for name, _ in headers]
        self.watched = watched = _watched(self.names, headers)
        self.cookie = cookies.ours(watched[b"cookie"]) if b"cookie" in watched else None
        self.named = named_fields(watched[b"connection"]) if b"connection" in watched else _NOTHING_NAMED
        self.kept: bytes | None = None
        hosts = watched.get(b"host", [])
        self.host = _HOSTS[hosts[0]] if len(hosts) == 1 else None
        self.is_looping = b"via" in watched and visits(watched[b"via"], pseudonym) >= _MOST_VISITS
        self.is_simple = self.host is not None and watched.keys() <= _NO_BODY and not self.is_looping


class FieldsReader:
    """Reads a head's fields, remembering the last ones: a client sends the same with nearly every request. Bounded."""

    def __init__(self, cookies: Cookies, pseudonym: bytes | None = None) -> None:
        self._cookies = cookies
        self._pseudonym = pseudonym
        self._known: dict[tuple[Field, ...], Fields] = {}

    def read(self, headers: list[Field]) -> Fields:
        """A pure function of `headers`; what comes out is shared, and treated as frozen but for `kept`."""
        key = tuple(headers)
        known = self._known.get(key)
        if known is None:
            known = Fields(headers, self._cookies, self._pseudonym)
            if sum(len(name) + len(value) for name, value in headers) <= _KNOWN_FIELDS_BYTES:
                if len(self._known) >= _KNOWN_FIELDS_MAX:
                    self._known.clear()
                self._known[key] = known
        return known


class LastHop(NamedTuple):
    """An OPTIONS that says it goes no further than here."""


class Head(NamedTuple):
    """A head that passed. `length` is the body's in bytes, or CHUNKED. `websocket` is the key of a whole handshake."""

    request: Request
    length: int
    fields: Fields
    is_expecting: bool
    websocket: bytes | None = None


class HeadRules(NamedTuple):
    """What judging needs to know: who reads fields, the scheme people use, the largest body (bytes)."""

    fields: FieldsReader
    scheme: str
    body_bytes: int | None = None


class Parts(NamedTuple):
    """A head as llhttp took it apart."""

    method: bytes
    version: str
    target: bytes
    headers: list[Field]
    is_upgrade: bool = False


def bad(detail: str) -> Rejection:
    """A plain 400."""
    return Rejection(400, Reason.BAD_REQUEST, detail)


def judge(parts: Parts, peer: str, rules: HeadRules) -> Head | LastHop | Rejection:
    """The request, with the body's length decided, or why it is refused (the table above)."""
    method, version, raw, headers, is_upgrade = parts
    if version not in _VERSIONS:
        return Rejection(505, Reason.BAD_REQUEST, "version")
    if method not in METHODS:
        return Rejection(501, Reason.BAD_REQUEST, "method")
    target: Target | None = (raw, raw, None) if is_plain(raw) else read_target(method, raw)
    if target is None:
        return bad("target")
    if is_ambiguous(target[1]):
        return Rejection(400, Reason.AMBIGUOUS_PATH, "path")
    fields = rules.fields.read(headers)
    host, length, is_expecting = fields.host, 0, False
    if not fields.is_simple or target[2] is not None:
        decided = _decide(fields.watched, version, target[2], rules.body_bytes, is_upgrade=is_upgrade)
        if isinstance(decided, Rejection):
            return decided
        if fields.is_looping:
            return Rejection(508, Reason.REQUEST_LOOP, "via")
        host, length, is_expecting = decided
        if method == b"OPTIONS" and b"max-forwards" in fields.watched:
            nearer = _one_hop_less(fields, rules)
            if not isinstance(nearer, Fields):
                return nearer
            fields = nearer
    request = Request(
        method=method,
        target=target[0],
        path=target[1],
        headers=fields.headers,
        names=fields.names,
        host=host,
        cookie=fields.cookie,
        peer=peer,
        scheme=rules.scheme,
    )
    websocket = handshake_key(method, version, fields.watched) if is_upgrade else None
    return Head(request, length, fields, is_expecting, websocket)


def _decide(
    watched: dict[bytes, list[bytes]],
    version: str,
    authority: bytes | None,
    most: int | None,
    *,
    is_upgrade: bool,
) -> tuple[bytes | None, int, bool] | Rejection:
    """Host, length, and whether 100-continue is expected."""
    host = _host(watched.get(b"host"), version, authority)
    if isinstance(host, Rejection):
        return host
    length = _length(watched, version, most)
    if isinstance(length, Rejection):
        return length
    if is_upgrade and length:
        return bad("upgrade with a body")
    if b"expect" not in watched:
        return host, length, False
    if [value.lower() for value in watched[b"expect"]] != [b"100-continue"]:
        return Rejection(417, Reason.BAD_REQUEST, "expect")
    return host, length, version == "1.1" and length != 0


def _watched(names: list[bytes], headers: list[Field]) -> dict[bytes, list[bytes]]:
    """The values of the fields that decide something, by lower-case name, without surrounding white space."""
    found: dict[bytes, list[bytes]] = {}
    for index, name in enumerate(names):
        if name in _WATCHED:
            value = headers[index][1].strip(b" \t")
            if name in found:
                found[name].append(value)
            else:
                found[name] = [value]
    return found


def visits(via: list[bytes], pseudonym: bytes | None) -> int:
    """How often our own name stands in `Via`: a chain may hold several of us, a loop holds us without end (RFC 9110 §7.6)."""
    entries = (entry.split() for value in via for entry in value.split(b","))
    return sum(len(words) > 1 and words[1] == pseudonym for words in entries)


def _one_hop_less(fields: Fields, rules: HeadRules) -> Fields | LastHop | Rejection:
    """The fields with Max-Forwards one lower (RFC 9110 §7.6.2)."""
    values = fields.watched[b"max-forwards"]
    if len(values) != 1 or not _LENGTH.fullmatch(values[0]):
        return bad("Max-Forwards")
    if int(values[0]) == 0:
        return LastHop()
    left = b"%d" % (int(values[0]) - 1)
    pairs = zip(fields.names, fields.headers, strict=True)
    return rules.fields.read(
        [(field[0], left) if name == b"max-forwards" else field for name, field in pairs]
    )


class _Hosts(dict[bytes, bytes | None]):
    """Valid Host values seen before, lower-cased; None for any other, which may be long and is not kept. Bounded."""

    def __missing__(self, value: bytes) -> bytes | None:
        if not _HOST.fullmatch(value):
            return None
        if len(self) >= _KNOWN_HOSTS_MAX:
            self.clear()
        self[value] = verdict = value.lower()
        return verdict


_HOSTS: Final = _Hosts()


def read_host(value: bytes) -> bytes | None:
    """A Host value in lower case; None when it is none."""
    return _HOSTS[value]


def _host(values: list[bytes] | None, version: str, authority: bytes | None) -> bytes | Rejection | None:
    """Who is meant. Host must be alone and valid (RFC 9112 §3.2); an absolute target's authority goes before it (§3.2.2)."""
    if values is None and version == "1.1":
        return bad("no Host")
    if values is not None and len(values) != 1:
        return bad("several Hosts")
    host = _HOSTS[values[0]] if values else None
    if values and host is None:
        return bad("invalid Host")
    if authority is None:
        return host
    return _HOSTS[authority] or bad("invalid authority")


def _length(watched: dict[bytes, list[bytes]], version: str, most: int | None) -> int | Rejection:
    lengths = watched.get(b"content-length")
    codings = watched.get(b"transfer-encoding")
    if codings is not None:
        if lengths is not None or version != "1.1" or len(codings) != 1 or codings[0].lower() != b"chunked":
            return bad("Transfer-Encoding")
        return CHUNKED
    if lengths is None:
        return 0
    if len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        return bad("Content-Length")
    length = int(lengths[0])
    return (
        Rejection(413, Reason.BAD_REQUEST, "body too large") if most is not None and length > most else length
    )
