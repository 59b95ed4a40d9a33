"""The request head as the app, or our own pages, get it: written anew from the judged parts."""

from typing import TYPE_CHECKING

from proxy.edge.answer import joined
from proxy.edge.handshake import UPGRADE_LINES
from proxy.edge.head import CHUNKED, Head

if TYPE_CHECKING:
    from proxy.edge.plane import Plane
    from proxy.edge.pool import Pool

_CHUNKED_LINE = b"Transfer-Encoding: chunked\r\n"
_EXPECT_LINE = b"Expect: 100-continue\r\n"
_BODY_METHODS = frozenset((b"POST", b"PUT", b"PATCH"))


def upstream_head(
    head: Head, plane: "Plane", pool: "Pool", forwarding: bytes, block: bytes, *, is_http11: bool = True
) -> bytes:
    """For the app. `block`: the rendered identity headers; they stand last, after nothing of the client's may equal them."""
    request = head.request
    host = request.host if pool.rules.keeps_host and request.host is not None else pool.authority
    kept = head.fields.kept
    if kept is None:
        kept = head.fields.kept = joined(plane.request_fields.lines(request.headers, head.fields.named))
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b%b%b%b\r\n" % (
        request.method,
        request.target,
        host,
        kept,
        plane.via[is_http11],
        _framing(head),
        forwarding,
        block if head.websocket is None or not plane.websockets.is_enabled else block + UPGRADE_LINES,
    )


def own_head(head: Head, plane: "Plane", peer: str) -> bytes:
    """For our own pages, over a connection that serves this exchange only."""
    request = head.request
    return (
        b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%bX-Muster-Peer: %b\r\nX-Muster-Scheme: %b\r\nConnection: close\r\n\r\n"
        % (
            request.method,
            request.target,
            b"localhost" if request.host is None else request.host,
            joined(plane.request_fields.own_lines(request.headers, head.fields.named)),
            _framing(head),
            peer.encode("ascii", "replace"),
            request.scheme.encode("ascii"),
        )
    )


def _framing(head: Head) -> bytes:
    """The body's length as it was decided; an explicit 0 where a body is usual, so that no app waits for one."""
    if head.length == CHUNKED:
        line = _CHUNKED_LINE
    elif head.length or head.request.method in _BODY_METHODS:
        line = b"Content-Length: %d\r\n" % head.length
    else:
        return b""
    return line + _EXPECT_LINE if head.is_expecting else line
