"""A memory of heads changes nothing: whatever came before, a message is forwarded and answered as by an edge that saw none."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.fakes.still import StillEdge

LINES = [
    b"GET /a HTTP/1.1",
    b"GET /b/c HTTP/1.1",
    b"GET /a?q HTTP/1.1",
    b"HEAD /a HTTP/1.1",
    b"POST /a HTTP/1.1",
]
LINES += [
    b"GET /a HTTP/1.0",
    b"GET  /a HTTP/1.1",
    b"GET /%5fmuster/x HTTP/1.1",
    b"\r\nGET /a HTTP/1.1",
    b"PRI * HTTP/2.0",
]
FIELDS = [
    b"Host: a",
    b"Host: b",
    b"Cookie: __Host-muster=x; a=b",
    b"Connection: close",
    b"Connection: X-Y",
    b"X-Y: z",
]
FIELDS += [b"Content-Length: 0", b"Content-Length: 2", b"Transfer-Encoding: chunked", b"Upgrade: websocket"]
FIELDS += [
    b"Connection: Upgrade",
    b"X_Forwarded_User: root",
    b"Expect: 100-continue",
    b" folded",
    b"GET /a HTTP/1.1",
    b"",
]
STATUSES = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 204 No",
    b"HTTP/1.1 304 Not",
    b"HTTP/1.1 103 Early",
]
SAID = [b"Content-Length: 2", b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Set-Cookie: a=b"]
SAID += [
    b"Set-Cookie: __Host-muster=evil",
    b"Connection: close",
    b"Connection: X-Y",
    b"X-Y: z",
    b"Content-Length: 2",
]
BODIES = [b"ok", b"", b"okk", b"2\r\nok\r\n0\r\n\r\n", b"ok\r\n\r\n"]


def messages(lines: list[bytes], fields: list[bytes], bodies: list[bytes]) -> st.SearchStrategy[bytes]:
    """A head of these parts, and something after it."""
    return st.builds(
        lambda line, block, body: b"\r\n".join((line, *block, b"", body)),
        st.sampled_from(lines),
        st.lists(st.sampled_from(fields), max_size=4),
        st.sampled_from(bodies),
    )


REQUESTS = st.one_of(
    messages(LINES[:2], [b"Host: a", b"X-Y: z"], [b""]), messages(LINES, FIELDS, [b"", b"", b"", b"ok"])
)
EXCHANGES = st.tuples(REQUESTS, messages(STATUSES, SAID, BODIES))

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


def _after(edge: StillEdge, request: bytes, answer: bytes) -> tuple[object, ...]:
    """What this message did on a new connection of this edge, to app, client and access log."""
    edge.client, edge.transport = edge.connect()
    edge.pool.close()
    edge.pool.made.clear()
    edge.access.lines.clear()
    edge.plane.date = b"a second may pass between two edges"
    edge.send(request)
    if edge.pool.made:
        edge.answer(answer)
    transports = [transport for _, transport in edge.pool.made]
    ends = [transport.is_over for transport in (*transports, edge.transport)]
    return edge.forwarded, edge.got, edge.access.lines, ends, len(edge.reported)


@given(st.lists(EXCHANGES, max_size=6), EXCHANGES)
@example([(GET, OK + b"ok")], (GET, OK + b"ok"))
@example([(GET, OK + b"ok")], (GET, OK + b"okk"))
@example([(GET, OK + b"ok")], (GET.replace(b"GET", b"HEAD"), OK + b"ok"))
@example([(GET, OK + b"ok")], (GET.replace(b"1.1", b"1.0"), OK + b"ok"))
def test_what_came_before_changes_nothing(
    earlier: list[tuple[bytes, bytes]], last: tuple[bytes, bytes]
) -> None:
    edge = StillEdge()
    for request, answer in earlier:
        _after(edge, request, answer)
    assert _after(edge, *last) == _after(StillEdge(), *last)
