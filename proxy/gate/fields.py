"""Which header fields cross, in either direction.

The order is the protection (rule 5 of the data plane): hop-by-hop fields and everything `Connection` names go first, then every
spelling of our own fields, then ours are added. A name is compared after folding: an app behind CGI or WSGI reads
`X_Forwarded_User` and `X-Forwarded-User` as one variable, so whatever is neither letter nor digit folds to `-`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

Field = tuple[bytes, bytes]

KEEP: Final = 0
DROP: Final = 1
COOKIES: Final = 2
NAMED_BY: Final = 3
LENGTH: Final = 4
CODING: Final = 5
DATED: Final = 6

_CACHED_NAMES: Final = 1024
_CACHED_NAME_BYTES: Final = 64
"""A name may be as long as a head: what anybody may send is remembered only while it is short."""
_CACHED_COOKIES: Final = 2048
_CACHED_COOKIE_BYTES: Final = 2048
_FOLD: Final = bytes(ord(chr(b).lower()) if chr(b).isalnum() and b < 128 else 0x2D for b in range(256))

HOP_BY_HOP: Final = frozenset(
    (
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""RFC 9110 §7.6.1, with the names that older and newer agents add."""

_DECIDED_BY_US: Final = frozenset((b"host", b"content-length", b"expect"))
_CLIENT_ADDRESS: Final = frozenset(
    (
        b"forwarded",
        b"x-forwarded",
        b"x-real-ip",
        b"client-ip",
        b"x-client-ip",
        b"true-client-ip",
        b"x-cluster-client-ip",
        b"cf-connecting-ip",
        b"fastly-client-ip",
        b"proxy-client-ip",
        b"wl-proxy-client-ip",
        b"x-azure-clientip",
        b"x-originating-ip",
        b"x-remote-addr",
        b"x-remote-ip",
    )
)
OTHER_PATHS: Final = frozenset((b"x-original-url", b"x-original-uri", b"x-rewrite-url", b"x-override-url"))
"""Tell some apps to read another path than the one that was judged: only a proxy of the operator's could mean well by it."""

_OTHER_HOSTS: Final = frozenset((b"x-host", b"x-original-host", b"x-http-host-override"))
"""The same about the Host, which was compared with `public_url`: apps make the links of their mails out of it."""

_PROXY: Final = b"proxy"
"""What CGI calls HTTP_PROXY, which many clients take for their own proxy's address (CVE-2016-5385); no field of HTTP's."""

UNKNOWN: Final = b"unknown"
_OUR_PREFIXES: Final = (b"x-forwarded-", b"x-muster-")

_READ_ONCE: Final = frozenset((b"content-type", b"user-agent"))
_OWN_PAGES_READ: Final = _READ_ONCE | frozenset(
    (
        b"accept",
        b"access-control-request-method",
        b"authorization",
        b"cookie",
        b"origin",
        b"purpose",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"sec-purpose",
        b"x-requested-with",
    )
)
"""Whatever else a client sends (a coding of the body, a doubled field) would be for the library that serves our pages to judge,
and its words are not ours. A page that reads another field has it listed here."""


def fold(name: bytes) -> bytes:
    """The one spelling under which a field name is compared: lower case, and `-` for whatever is no letter or digit."""
    return name.translate(_FOLD)


def named_fields(connection_values: Iterable[bytes]) -> frozenset[bytes]:
    """The folded field names that `Connection` nominates (RFC 9110 §7.6.1), without `close` and `keep-alive`."""
    tokens = {fold(token.strip(b" \t")) for value in connection_values for token in value.split(b",")}
    return frozenset(tokens - {b"", b"close", b"keep-alive"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRules:
    """What the operator's settings say about fields: names of identity headers, our cookie, the client's `Authorization`, and our
    own name in the `Via` of requests (None: no `Via`)."""

    identity: tuple[str, ...]
    cookie: str
    passes_authorization: bool = False
    pseudonym: str | None = "muster"


class RequestFields:
    """Sifts a client's fields. One per process: it remembers its verdict on each spelling, in a bounded dict."""

    def __init__(self, rules: FieldRules) -> None:
        ours = frozenset(fold(name.encode("ascii")) for name in rules.identity)
        unwanted = frozenset() if rules.passes_authorization else frozenset((b"authorization",))
        told = _CLIENT_ADDRESS | OTHER_PATHS | _OTHER_HOSTS | {_PROXY}
        self._dropped = HOP_BY_HOP | _DECIDED_BY_US | told | ours | unwanted
        self._cookies = Cookies(rules.cookie.encode("ascii"))
        self._verdicts: dict[bytes, int] = {}

    def lines(self, fields: Iterable[Field], named: frozenset[bytes]) -> list[bytes]:
        """The fields that cross to the app, each as `Name: value`, in order."""
        lines = []
        verdicts = self._verdicts
        for field in fields:
            verdict = verdicts.get(field[0])
            if verdict is None:
                verdict = self._judge(field[0])
            if verdict == DROP or (named and fold(field[0]) in named):
                continue
            if verdict == COOKIES:
                rest = self._cookies.rest(field[1])
                if rest:
                    lines.append(b"%b: %b" % (field[0], rest))
            else:
                lines.append(b": ".join(field))
        return lines

    def own_lines(self, fields: Iterable[Field], named: frozenset[bytes]) -> list[bytes]:
        """The fields that cross to our own pages: those that they read, our cookies among them, and nothing else."""
        lines, once = [], set(_READ_ONCE)
        for field in fields:
            name = field[0].lower()
            if name not in _OWN_PAGES_READ or fold(name) in named:
                continue
            if name in _READ_ONCE:
                if name not in once:
                    continue
                once.remove(name)
            lines.append(b": ".join(field))
        return lines

    def _judge(self, name: bytes) -> int:
        folded = fold(name)
        verdict = KEEP
        if folded in self._dropped or folded.startswith(_OUR_PREFIXES):
            verdict = DROP
        elif folded == b"cookie":
            verdict = COOKIES if name.lower() == b"cookie" else DROP
        _remember(self._verdicts, name, verdict)
        return verdict


Sifted: TypeAlias = tuple[list[bytes], bytes | None, bytes | None, bool]
"""Of an answer: the lines that cross to the client, the raw Content-Length and Transfer-Encoding, whether it has a Date.

Several values of one name are joined with commas, and then are no valid value.
"""


class AnswerFields:
    """Sifts an answer's fields: no hop-by-hop field, no `Set-Cookie` in the name of `cookie` (None: our own pages may; what
    they run on is nobody's affair, so they lose `Server`)."""

    def __init__(self, cookie: str | None) -> None:
        self._cookie = None if cookie is None else cookie.encode("ascii").lower()
        self._verdicts: dict[bytes, int] = {}

    def sift(self, fields: list[Field]) -> Sifted:
        """What crosses, and what frames the message."""
        lines: list[bytes] = []
        length = coding = None
        is_dated = False
        verdicts = self._verdicts
        for field in fields:
            verdict = verdicts.get(field[0])
            if verdict is None:
                verdict = self._judge(field[0])
            if verdict == KEEP:
                lines.append(b": ".join(field))
            elif verdict == LENGTH:
                length = _joined(length, field[1].strip(b" \t"))
            elif verdict == CODING:
                coding = _joined(coding, field[1].strip(b" \t"))
            elif verdict == NAMED_BY:
                if field[1] not in _PLAIN_CONNECTION:
                    return self._sift_named(fields)
            elif verdict == DATED:
                is_dated = True
                lines.append(b": ".join(field))
            elif verdict == COOKIES and (self._cookie is None or not sets_cookie(field[1], self._cookie)):
                lines.append(b": ".join(field))
        return lines, length, coding, is_dated

    def _sift_named(self, fields: list[Field]) -> Sifted:
        """As `sift`, once `Connection` was seen to name fields; those that frame the message cannot be named away."""
        named = named_fields(value for name, value in fields if self._judge(name) == NAMED_BY)
        framing = (LENGTH, CODING)
        return self.sift(
            [
                field
                for field in fields
                if (verdict := self._judge(field[0])) in framing
                or (verdict != NAMED_BY and fold(field[0]) not in named)
            ]
        )

    def _judge(self, name: bytes) -> int:
        verdict = _ANSWER_VERDICTS.get(name.lower(), KEEP)
        if self._cookie is None and name.lower() == b"server":
            verdict = DROP
        _remember(self._verdicts, name, verdict)
        return verdict


_PLAIN_CONNECTION: Final = frozenset((b"keep-alive", b"close", b"Keep-Alive", b"Close"))
_ANSWER_VERDICTS: Final = {
    **dict.fromkeys(HOP_BY_HOP, DROP),
    b"connection": NAMED_BY,
    b"transfer-encoding": CODING,
    b"content-length": LENGTH,
    b"set-cookie": COOKIES,
    b"date": DATED,
}


def _joined(earlier: bytes | None, value: bytes) -> bytes:
    return value if earlier is None else b"%b, %b" % (earlier, value)


def _remember(verdicts: dict[bytes, int], name: bytes, verdict: int) -> None:
    if len(name) > _CACHED_NAME_BYTES:
        return
    if len(verdicts) >= _CACHED_NAMES:
        verdicts.clear()
    verdicts[name] = verdict


def _is_our_cookie(name: bytes, cookie: bytes) -> bool:
    """The session's cookie, or one of those that begin with its name and `-` (sign-in attempts)."""
    return name.startswith(cookie) and name[len(cookie) : len(cookie) + 1] in (b"", b"-")


class Cookies:
    """Takes `Cookie` values apart. Remembers the last ones, bounded: a browser sends the same value with every request."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._known: dict[bytes, tuple[tuple[bytes, ...], bytes]] = {}

    def ours(self, values: Iterable[bytes]) -> bytes | None:
        """The raw value of our cookie, None when it is absent. Where different values compete nobody can say which is ours: then
        it is an empty one, which opens nothing and still goes before a token."""
        found = {own for value in values for own in self._apart(value)[0]}
        if len(found) > 1:
            return b""
        return found.pop() if found else None

    def rest(self, value: bytes) -> bytes:
        """A value without our pairs; the others byte-identical and in order. Empty when only ours stood there."""
        return self._apart(value)[1]

    def _apart(self, value: bytes) -> tuple[tuple[bytes, ...], bytes]:
        known = self._known.get(value)
        if known is None:
            known = self._read(value)
            if len(value) <= _CACHED_COOKIE_BYTES:
                if len(self._known) >= _CACHED_COOKIES:
                    self._known.clear()
                self._known[value] = known
        return known

    def _read(self, value: bytes) -> tuple[tuple[bytes, ...], bytes]:
        pairs = value.split(b";")
        kept, own = [], []
        for pair in pairs:
            name, equals, content = pair.partition(b"=")
            name = name.strip(b" \t")
            if not _is_our_cookie(name, self._name):
                kept.append(pair)
            elif name == self._name and equals:
                own.append(content.strip(b" \t"))
        rest = value if len(kept) == len(pairs) else b";".join(kept).strip(b" \t")
        return tuple(own), rest


def sets_cookie(value: bytes, cookie: bytes) -> bool:
    """Whether a `Set-Cookie` value would make a browser send something that reads as our cookie.

    Any case (browsers fold `__Host-`), and the nameless form `=name=value`, which browsers send back as `name=value`.
    """
    pair = value.split(b";", 1)[0].lower().lstrip(b" \t=")
    return _is_our_cookie(pair.partition(b"=")[0].strip(b" \t"), cookie)


def via_lines(pseudonym: str | None) -> tuple[bytes, bytes]:
    """Our line in `Via`, for a request that came in HTTP/1.0 and for one in HTTP/1.1 (RFC 9110 §7.6.3)."""
    if pseudonym is None:
        return b"", b""
    name = pseudonym.encode("ascii")
    return b"Via: 1.0 %b\r\n" % name, b"Via: 1.1 %b\r\n" % name


def forwarding_lines(peer: str, scheme: str, host: bytes | None, *, earlier: bytes | None = None) -> bytes:
    """Our X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239). `earlier`: an X-Forwarded-For of a trusted proxy.

    A peer on a Unix socket has no address (RFC 7239 §6.2).
    Both lists name the same hops, the client first: apps read the one or the other. Host and scheme are what the client used.
    """
    address = UNKNOWN if peer == "unix" else peer.encode("ascii", "replace")
    hops = address if earlier is None else b"%b, %b" % (earlier, address)
    proto = scheme.encode("ascii")
    asked = b";proto=%b" % proto if host is None else b';host="%b";proto=%b' % (host, proto)
    client, *others = map(_node, hops.split(b", "))
    nodes = b"".join(b", for=%b" % node for node in others)
    shown = b"" if host is None else b"X-Forwarded-Host: %b\r\n" % host
    return b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\n%bForwarded: for=%b%b%b\r\n" % (
        hops, proto, shown, client, asked, nodes,
    )  # fmt: skip


def _node(address: bytes) -> bytes:
    """RFC 7239 §6: an IPv6 address in brackets and quotes."""
    return b'"[%b]"' % address if b":" in address else address
