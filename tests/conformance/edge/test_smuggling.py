"""Raw bytes that desynchronise proxies: each is refused, and not one byte of it reaches the app."""

import pytest

from tests.fakes.edge import Edge, running_edge, status_of
from tests.fakes.upstream import RecordingUpstream

HOST = b"Host: app.example\r\n"

REFUSED: dict[str, tuple[int, bytes]] = {
    "CL and TE": (
        400,
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "TE and CL": (
        400,
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    ),
    "two different CLs": (
        400,
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    ),
    "two equal CLs": (
        400,
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    ),
    "a list of CLs": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4, 4\r\n\r\nabcd"),
    "a signed CL": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +4\r\n\r\nabcd"),
    "a negative CL": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -4\r\n\r\nabcd"),
    "a hexadecimal CL": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0x4\r\n\r\nabcd"),
    "an empty CL": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length:\r\n\r\nabcd"),
    "an enormous CL": (
        400,
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    ),
    "bare LF after the line": (400, b"GET / HTTP/1.1\nHost: app.example\r\n\r\n"),
    "bare LF in the head": (400, b"GET / HTTP/1.1\r\nHost: app.example\nX: y\r\n\r\n"),
    "bare LF at the end": (400, b"GET / HTTP/1.1\r\nHost: app.example\n\n"),
    "bare CR in a value": (400, b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n"),
    "NUL in a value": (400, b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n"),
    "white space before the first field": (400, b"GET / HTTP/1.1\r\n " + HOST + b"\r\n"),
    "obs-fold": (400, b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n"),
    "space before the colon": (400, b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding : chunked\r\n\r\n"),
    "an empty field name": (400, b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n"),
    "TE in 1.0": (400, b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunked, identity": (
        400,
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ),
    "identity": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: identity\r\n\r\n"),
    "gzip, chunked": (
        400,
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    "xchunked": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "chunked twice": (
        400,
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    "a quoted chunked": (400, b"POST / HTTP/1.1\r\n" + HOST + b'Transfer-Encoding: "chunked"\r\n\r\n'),
    "no Host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
    "an empty Host": (400, b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    "a Host with a path": (400, b"GET / HTTP/1.1\r\nHost: app.example/x\r\n\r\n"),
    "a Host with user information": (400, b"GET / HTTP/1.1\r\nHost: a@app.example\r\n\r\n"),
    "a list of Hosts": (400, b"GET / HTTP/1.1\r\nHost: app.example, other\r\n\r\n"),
    "an absolute target and no Host": (400, b"GET http://app.example/ HTTP/1.1\r\n\r\n"),
    "an absolute target and two Hosts": (
        400,
        b"GET http://app.example/ HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    ),
    "an absolute target that is a list": (400, b"GET http://app.example,b/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an absolute target with user information": (
        400,
        b"GET http://a@app.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
    ),
    "a fragment": (400, b"GET /#x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a fragment in the query": (400, b"GET /?a#x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a space in the target": (400, b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target without a slash": (400, b"GET x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an asterisk for GET": (400, b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "HTTP/2.0 in a 1.1 line": (505, b"GET / HTTP/2.0\r\n" + HOST + b"\r\n"),
    "HTTP/0.9": (505, b"GET / HTTP/0.9\r\n" + HOST + b"\r\n"),
    "an unknown version": (400, b"GET / HTTP/1.10\r\n" + HOST + b"\r\n"),
    "CONNECT": (501, b"CONNECT app.example:80 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "TRACE": (501, b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an unknown method": (400, b"FROBNICATE / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "lower-case get": (400, b"get / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an upgrade with a body": (
        400,
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nabcd",
    ),
    "an upgrade with a chunked body": (
        400,
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "another expectation": (
        417,
        b"POST / HTTP/1.1\r\n" + HOST + b"Expect: coffee\r\nContent-Length: 1\r\n\r\na",
    ),
    "OPTIONS with a Max-Forwards that is no number": (
        400,
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"Max-Forwards: -1\r\n\r\n",
    ),
    "OPTIONS with two Max-Forwards": (
        400,
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"Max-Forwards: 1\r\nMax-Forwards: 2\r\n\r\n",
    ),
    "our own name in Via without end": (
        508,
        b"GET / HTTP/1.1\r\n" + HOST + b"Via: 1.1 muster, 1.0 other" * 1 + b", 1.1 muster" * 7 + b"\r\n\r\n",
    ),
    "own path, percent-encoded": (400, b"GET /%5fmuster/profile HTTP/1.1\r\n" + HOST + b"\r\n"),
    "own path, doubly encoded": (400, b"GET /%255fmuster/profile HTTP/1.1\r\n" + HOST + b"\r\n"),
    "own path behind dots": (400, b"GET /x/../_muster/profile HTTP/1.1\r\n" + HOST + b"\r\n"),
    "own path behind two slashes": (400, b"GET //_muster/profile HTTP/1.1\r\n" + HOST + b"\r\n"),
    "own path in capitals": (400, b"GET /_MUSTER/profile HTTP/1.1\r\n" + HOST + b"\r\n"),
    "own path with a backslash": (400, b"GET /_muster\\profile HTTP/1.1\r\n" + HOST + b"\r\n"),
    "own path with parameters": (400, b"GET /_muster;x/profile HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a way out of the own paths": (400, b"GET /_muster/../admin HTTP/1.1\r\n" + HOST + b"\r\n"),
    "an encoded way out": (400, b"GET /_muster/%2e%2e/admin HTTP/1.1\r\n" + HOST + b"\r\n"),
    "HTTP/2's preface": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a TLS hello": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_is_refused_closes_and_sends_nothing_upstream(name: str) -> None:
    """Whatever follows on the connection is not read as a request either."""
    status, data = REFUSED[name]
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        got = await edge.once(data + b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n")
        assert status_of(got) == status
        assert got.count(b"HTTP/1.1 ") == 1
        assert b"Connection: close\r\n" in got
        assert upstream.raw == b""
        assert not edge.reported
        assert [one.status for one in edge.access.aside] == [status]
        assert edge.access.lines == []


@pytest.mark.parametrize("cut", range(1, 60, 7))
async def test_is_refused_in_two_pieces_too(cut: int) -> None:
    """TCP may split anywhere."""
    _, data = REFUSED["CL and TE"]
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(data[:cut])
        await wire.send(data[cut:])
        assert status_of(await wire.rest()) == 400
        assert upstream.raw == b""


BAD_CHUNKS = {
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "a signed size": b"+3\r\nabc\r\n0\r\n\r\n",
    "a size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "an enormous size": b"fffffffffffffffff\r\nabc",
    "more data than said": b"3\r\nabcd\r\n0\r\n\r\n",
    "bare LF after the size": b"3\nabc\r\n0\r\n\r\n",
    "bare LF after the data": b"3\r\nabc\n0\r\n\r\n",
    "space before the size": b" 3\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
async def test_a_bad_chunk_is_a_400_and_the_app_never_sees_an_end(name: str) -> None:
    """The head was fine and may have gone; the body must not look whole, and nothing is parsed after it."""
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        wire = await edge.wire()
        await wire.send(head + BAD_CHUNKS[name] + b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n")
        got = await wire.rest()
        assert status_of(got) == 400
        assert b"Connection: close\r\n" in got
        assert [line[2] for line in edge.access.lines] == [400]
        assert b"0\r\n\r\n" not in upstream.raw
        assert b"/smuggled" not in upstream.raw
        assert not edge.reported


async def _one(edge: Edge, data: bytes) -> None:
    wire = await edge.wire()
    head, body = await wire.exchange(data)
    assert (status_of(head), body) == (200, b"ok")


async def test_what_a_strict_server_accepts_is_forwarded_anew() -> None:
    """Absolute form, OPTIONS *, chunk extensions, trailers, an upgrade: each crosses in our own words."""
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        await _one(edge, b"GET http://APP.example/a?b HTTP/1.1\r\nHost: app.Example\r\n\r\n")
        await _one(edge, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n")
        await _one(edge, b"OPTIONS http://app.example HTTP/1.1\r\n" + HOST + b"\r\n")
        chunked = (
            b"POST /c HTTP/1.1\r\n"
            + HOST
            + b"Transfer-Encoding: Chunked\r\nTrailer: X-Forwarded-User\r\n\r\n"
        )
        await _one(edge, chunked + b"3;a=b\r\nabc\r\n0\r\nX-Forwarded-User: root\r\n\r\n")
        await _one(edge, b"GET /u HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        lines = [seen.line for seen in upstream.seen]
        assert lines == [
            b"GET /a?b HTTP/1.1",
            b"OPTIONS * HTTP/1.1",
            b"OPTIONS * HTTP/1.1",
            b"POST /c HTTP/1.1",
            b"GET /u HTTP/1.1",
        ]
        assert upstream.seen[0].values(b"host") == [b"app.example"]
        assert upstream.seen[3].body == b"abc"
        assert upstream.seen[4].values(b"upgrade") == []
        assert b"root" not in upstream.raw
        assert b";a=b" not in upstream.raw


async def test_where_an_absolute_target_and_host_disagree_the_target_alone_counts() -> None:
    """For the gate, for the app's Host and for what it is told was asked: nobody sees the other name (RFC 9112 §3.2.2)."""
    async with RecordingUpstream() as upstream, running_edge(upstream.rules()) as edge:
        await _one(edge, b"GET http://app.example/a HTTP/1.1\r\nHost: other.example\r\n\r\n")
        await _one(edge, b"GET http://other.example/a HTTP/1.1\r\nHost: app.example\r\n\r\n")
        assert [request.host for request in edge.gate.requests] == [b"app.example", b"other.example"]
        assert [seen.values(b"host") for seen in upstream.seen] == [[b"app.example"], [b"other.example"]]
        assert upstream.seen[0].values(b"x-forwarded-host") == [b"app.example"]
        assert b"other.example" not in upstream.seen[0].head
        assert {seen.line for seen in upstream.seen} == {b"GET /a HTTP/1.1"}
