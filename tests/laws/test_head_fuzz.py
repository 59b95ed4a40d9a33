"""Any bytes at all, from either side: no crash, no 500 of ours, nothing upstream that a strict reader would not take as we meant
it, nothing to the client but answers, each whole or cut for everybody to see, and no connection to the app used again after
anything but one whole answer.

`make proof NAME=planted` shows that this finds faults, by planting some (proof/planted.py).

`FUZZ` in the environment sets the number of inputs (default 50,000), `FUZZ_SEED` the seed.
"""

import base64
import hashlib
import ipaddress
import os
import random
import re
from typing import Final

from proxy.edge.trust import Trust
from proxy.gate.fields import HOP_BY_HOP
from proxy.reasons import Reason
from tests.fakes.answers import Answers, End, next_answer, read_answers
from tests.fakes.edge import BLOCK
from tests.fakes.still import FakeTransport, StillEdge, Strict, strict_requests

HOST: Final = re.compile(rb"[a-z0-9._~-]+(:[0-9]+)?")
OUR_COOKIE: Final = re.compile(rb"(?i)\r\nset-cookie:[ \t=]*__host-muster[=;\r-]")
INPUTS: Final = int(os.environ.get("FUZZ", "50000"))
SEED: Final = int(os.environ.get("FUZZ_SEED", "20240229"))
PARTS: Final = 5
OPENING: Final = BLOCK + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
OURS: Final = sorted(b"x-forwarded-" + name for name in (b"for", b"proto", b"host", b"user", b"groups"))

METHODS = (
    [b"GET"] * 6
    + [b"POST"] * 6
    + [b"HEAD"] * 3
    + [b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"CONNECT", b"TRACE", b"GE T", b"get", b"PRI"]
)
TARGETS = [b"/", b"/a?b"] * 8 + [
    b"/",
    b"/a?b",
    b"*",
    b"http://a/",
    b"/%5fmuster/x",
    b"//",
    b"/#",
    b"a:1",
    b"/\xc3\xa9",
    b"/a b",
]
VERSIONS = [b"HTTP/1.1"] * 30 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.10", b"HTTP/0.9", b"http/1.1", b""]
FIELDS = [
    b"Host: a",
    b"Host: a/b",
    b"Host: a, b",
    b"Content-Length: 3",
    b"Content-Length: 0",
    b"Content-Length: 3, 3",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding : chunked",
    b"Connection: close",
    b"Connection: X-Forwarded-User, Content-Length, Host",
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Expect: 100-continue",
    b"X-Forwarded-User: root",
    b"X_Forwarded_User: root",
    b"x.forwarded.groups: root",
    b"X-Muster-Peer: root",
    b"Cookie: __Host-muster=root; a=b",
    b"Cookie: a=b",
    b"X: \x01",
    b" folded",
    b"Trailer: X-Forwarded-User",
    b"Keep-Alive: root",
    b"X-Forwarded-For: 198.51.100.7",
    b"X-Forwarded-For: root, 198.51.100.7, 192.0.2.8",
    b'X-Forwarded-For: 2001:db8::7%";for=root',
    b"Via: 1.1 muster, 1.0 b",
    b"Max-Forwards: 1",
    b"Max-Forwards: 0",
    b"Sec-WebSocket-Version: 13",
    b"Origin: https://a",
]
HANDSHAKE = [
    b"Host: a",
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]
PREAMBLES = [
    b"PROXY TCP4 198.51.100.9 192.0.2.2 1234 443\r\n",
    b"PROXY TCP6 2001:db8::9 2001:db8::1 1234 443\r\n",
    b"PROXY UNKNOWN\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes((198, 51, 100, 9, 192, 0, 2, 2, 1, 2, 3, 4)),
    b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    b"PROXY TCP4 root 192.0.2.2 1 2\r\n",
    b"PROXY TCP6 2001:db8::9%\nX-Forwarded-User:root 2001:db8::1 1 2\r\n",
    b"",
]
BODIES = [
    b"",
    b"abc",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"3\r\nabc\r\n0\r\nX-Forwarded-User: root\r\n\r\n",
    b"zz\r\n",
    b"0\r\n\r\n",
]
ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b""]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No\r\n\r\n",
    b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x02hi",
    b"HTTP/1.0 200 OK\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: __Host-muster=evil\r\nX: y\r\n\r\nok",
]


def fold(name: bytes) -> bytes:
    """What a CGI or WSGI server makes of a name, written without the code under test."""
    return re.sub(rb"[^a-z0-9]", b"-", name.lower())


def _request(rng: random.Random) -> bytes:
    if rng.random() < 0.1:
        return _handshake(rng)
    end = b"\r\n" if rng.random() < 0.95 else rng.choice(ENDS)
    fields = [b"Host: a"] * (rng.random() < 0.97) + rng.choices(FIELDS, k=rng.randrange(4))
    rng.shuffle(fields)
    head = b" ".join((rng.choice(METHODS), rng.choice(TARGETS), rng.choice(VERSIONS)))
    return b"".join((head, end, *(each + end for each in fields), end, rng.choice(BODIES)))


def _handshake(rng: random.Random) -> bytes:
    """A WebSocket's opening, mostly whole, and perhaps a frame right behind it."""
    fields = HANDSHAKE + rng.choices(FIELDS, k=rng.randrange(2))
    rng.shuffle(fields)
    return b"\r\n".join((b"GET /ws HTTP/1.1", *fields, b"", b"")) + rng.choice((b"", b"\x81\x82abcd12"))


def _damaged(rng: random.Random, data: bytes) -> bytes:
    """One byte changed, dropped, doubled or inserted; or nothing."""
    at = rng.randrange(len(data) + 1)
    match rng.randrange(9):
        case 0:
            return data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :]
        case 1:
            return data[:at] + data[at + 1 :]
        case 2:
            return data[:at] + data[at : at + 9] + data[at:]
        case 3:
            return (
                data[:at] + rng.choice((b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\x80")) + data[at:]
            )
        case _:
            return data


def _pieces(rng: random.Random, data: bytes) -> list[bytes]:
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(PARTS)))
    return [piece for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if (piece := data[a:b])]


def _play(rng: random.Random, edge: StillEdge) -> None:
    data = b"".join(_damaged(rng, _request(rng)) for _ in range(1 + rng.randrange(2)))
    if edge.expects_preamble:
        data = _damaged(rng, rng.choice(PREAMBLES)) + data
    for piece in _pieces(rng, data):
        if edge.transport.is_over:
            break
        edge.send(piece)
        exchange = edge.client.exchange
        if exchange is not None and edge.pool.made and rng.random() < 0.9:
            _answer(rng, edge)


def _answer(rng: random.Random, edge: StillEdge) -> None:
    """What the app says, and perhaps its end: after all of it, or in the middle."""
    parts = _pieces(rng, _damaged(rng, rng.choice(ANSWERS)))
    ends = rng.random() < 0.15
    for part in parts[: len(parts) - (ends and rng.random() < 0.5)]:
        edge.answer(part)
    if ends:
        _end_app(edge, None if rng.random() < 0.5 else ConnectionResetError("by the app"))


def _end_app(edge: StillEdge, error: Exception | None) -> None:
    """The app goes away; whatever it was in the middle of is seen to be cut."""
    is_begun = edge.client.exchange is not None and _answers(edge).end in (End.CUT, End.UNTIL_CLOSE)
    edge.app_ends(error)
    assert not (is_begun and error) or edge.transport.is_aborted


def _answers(edge: StillEdge) -> Answers:
    return read_answers(edge.got, [request.method for request in edge.gate.requests])


def _check(edge: StillEdge) -> None:
    assert edge.reported == []
    assert Reason.INTERNAL_ERROR.encode() not in edge.got
    assert not OUR_COOKIE.search(edge.got.partition(b"\r\n\r\n")[0] + b"\r\n")
    _check_answers(edge)
    _check_asked(edge)
    for _, transport in edge.pool.made:
        requests = _seen(transport)
        _check_reuse(transport, requests)
        if transport.protocol is not None:
            _check_agreement(transport, requests[-1])
        for request in requests:
            ours = [
                fold(name)
                for name, _ in request.fields
                if fold(name).startswith((b"x-forwarded-", b"x-muster-"))
            ]
            # In 1.0 there may be no Host to pass on.
            assert sorted({*ours, b"x-forwarded-host"}) == OURS
            assert len(set(ours)) == len(ours)
            assert request.values(b"x-forwarded-user") == [b"ada"]
            if len(edge.gate.requests) == 1 and request.values(b"via")[-1] == b"1.0 muster":
                assert b"\r\nTransfer-Encoding:" not in edge.got.partition(b"\r\n\r\n")[0], (
                    "no chunks in 1.0 (RFC 9112 §7.1)"
                )
            (host,) = request.values(b"host")
            assert HOST.fullmatch(host)
            assert len(request.values(b"max-forwards")) < 2 or not request.line.startswith(b"OPTIONS")
            _check_hops(edge, request)


def _check_asked(edge: StillEdge) -> None:
    """Nobody judges a request whose Host or length may be read in two ways (RFC 9112 §3.2, §6.3)."""
    for request in edge.gate.requests:
        count = request.names.count
        assert count(b"host") <= 1
        assert count(b"content-length") + count(b"transfer-encoding") <= 1
        assert request.method not in (b"CONNECT", b"TRACE")


def _check_answers(edge: StillEdge) -> None:
    """What the client has, it can tell apart; what is not whole is still coming, or was cut by a reset."""
    if _answers(edge).end is End.CUT:
        assert edge.transport.is_aborted or edge.client.exchange is not None


def _check_reuse(transport: FakeTransport, requests: list[Strict]) -> None:
    """Between two requests the app said one whole answer, and not a byte beside it but empty lines, which llhttp passes over."""
    at = transport.taken_at
    for begin, end, request in zip(at, at[1:], requests, strict=False):
        rest = _after_one(bytes(transport.heard[begin:end]), request.line.partition(b" ")[0])
        assert rest.strip(b"\r\n") == b""


def _after_one(heard: bytes, method: bytes) -> bytes:
    """What follows the first final answer."""
    status = 0
    while status < 200:
        heard = heard.lstrip(b"\r\n")
        answer = next_answer(heard, 0, method)
        assert answer is not None, heard
        assert answer.end is not None, heard
        status, heard = answer.status, heard[answer.end :]
    return heard


def _check_agreement(transport: FakeTransport, opening: Strict) -> None:
    """A tunnel began because the app proved that it read this very key (RFC 6455 §4.2.2)."""
    (key,) = opening.values(b"sec-websocket-key")
    proof = hashlib.sha1(
        key.strip(b" \t") + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False
    ).digest()
    assert base64.b64encode(proof) in transport.heard


def _seen(transport: FakeTransport) -> list[Strict]:
    """The requests on one connection; behind the opening of a tunnel that the app agreed to, bytes are nobody's business."""
    raw = bytes(transport.written)
    if transport.protocol is not None:
        raw = raw[: raw.rindex(OPENING) + len(OPENING)]
    return strict_requests(raw)


def _check_hops(edge: StillEdge, request: Strict) -> None:
    """Nothing hop-by-hop but our own words, and addresses only from whom we believe."""
    found = HOP_BY_HOP & {name for name, _ in request.fields} - {b"transfer-encoding"}
    if found:
        assert request.fields[-2:] == [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
        assert found == {b"connection", b"upgrade"}
        assert len(request.values(b"connection") + request.values(b"upgrade")) == 2
    (hops,) = request.values(b"x-forwarded-for")
    addresses = [str(ipaddress.ip_address(hop.decode())) for hop in hops.split(b", ")]
    if edge.trust is None:
        assert addresses == ["192.0.2.1"]
    assert request.values(b"via")[-1].endswith(b" muster")


def _edge(rng: random.Random) -> StillEdge:
    """As shipped mostly; sometimes behind a trusted proxy, with the PROXY protocol or without."""
    kind = rng.random()
    if kind < 0.8:
        return StillEdge()
    return StillEdge(trust=Trust([ipaddress.ip_network("192.0.2.0/28")]), expects_preamble=kind < 0.9)


def test_no_input_breaks_the_edge_or_reaches_the_app_in_a_shape_we_did_not_mean() -> None:
    rng = random.Random(SEED)
    forwarded = tunnels = named = 0
    for number in range(INPUTS):
        state = rng.getstate()
        edge = _edge(rng)
        try:
            _play(rng, edge)
            _check(edge)
        except Exception as error:
            again = random.Random()
            again.setstate(state)
            raise AssertionError(f"input {number} of seed {SEED}: {edge.got!r} {edge.forwarded!r}") from error
        forwarded += bool(edge.pool.made)
        tunnels += any(transport.protocol is not None for _, transport in edge.pool.made)
        named += edge.expects_preamble and bool(edge.pool.made)
    assert forwarded > INPUTS // 10, "the generator must get past the door often enough to mean something"
    assert min(tunnels, named) > INPUTS // 1000, "the same of tunnels and of the PROXY protocol"
