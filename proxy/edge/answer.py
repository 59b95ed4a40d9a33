"""An answer's head, written anew: framing decided once (RFC 9112 §6.3), and the bytes of answers of our own.

| the app's answer | to a 1.1 client | to a 1.0 client |
|---|---|---|
| to HEAD, or 204, 304 | no body | no body |
| `chunked` (in 1.1 only) | chunked | until close |
| Content-Length | the same | the same |
| neither: until the app closes | chunked | until close |
| another coding, both, or no plain number | 502 | 502 |
"""

import re
from http import HTTPStatus
from typing import Final, NamedTuple

from proxy.edge.ports import Answer
from proxy.gate.fields import Sifted

NO_BODY: Final = 0
LENGTH: Final = 1
CHUNKED: Final = 2
UNTIL_CLOSE: Final = 3

CLOSE_LINE: Final = b"Connection: close\r\n"
KEEP_LINE: Final = b"Connection: keep-alive\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"

_DIGITS: Final = re.compile(rb"[0-9]{1,18}")
_CHUNKED_LINE: Final = b"Transfer-Encoding: chunked\r\n"
_STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode("ascii"))
    for status in HTTPStatus
}


class Framing(NamedTuple):
    """How the body goes to the client, the field that says so, and whether the app marks its end only by closing."""

    mode: int
    line: bytes
    ends_by_eof: bool = False


_BARE: Final = Framing(NO_BODY, b"")
_IN_CHUNKS: Final = Framing(CHUNKED, _CHUNKED_LINE)
_IN_CHUNKS_TILL_EOF: Final = Framing(CHUNKED, _CHUNKED_LINE, True)
_TILL_CLOSE: Final = Framing(UNTIL_CLOSE, b"")
_TILL_CLOSE_BY_EOF: Final = Framing(UNTIL_CLOSE, b"", True)


def status_line(status: int) -> bytes:
    """The first line, with the registered phrase."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def frame(sifted: Sifted, status: int, *, version: str, is_head: bool, takes_chunks: bool) -> Framing | None:
    """How this answer is framed for the client (the table above); None when nobody can know where it ends."""
    coding, length = sifted.coding, sifted.length
    if coding is None and length is not None:
        if not _DIGITS.fullmatch(length.strip(b" \t")):
            return None
        if status == 204:
            return _BARE
        bodyless = is_head or status == 304
        return Framing(NO_BODY if bodyless else LENGTH, b"Content-Length: %b\r\n" % length)
    if coding is not None and (
        length is not None or version != "1.1" or coding.strip(b" \t").lower() != b"chunked"
    ):
        return None
    if is_head or status in (204, 304):
        return _BARE
    if coding is not None:
        return _IN_CHUNKS if takes_chunks else _TILL_CLOSE
    return _IN_CHUNKS_TILL_EOF if takes_chunks else _TILL_CLOSE_BY_EOF


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; `data` is not empty (an empty chunk would end the body)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def interim(status: int, sifted: Sifted) -> bytes:
    """A 1xx, passed on."""
    return b"".join((status_line(status), *sifted.lines, b"\r\n"))


def render(answer: Answer, *, date: bytes, is_head: bool, connection: bytes) -> bytes:
    """An answer of our own as it goes to the client. `connection` is a Connection line or empty."""
    lines = [status_line(answer.status), b"Date: %b\r\n" % date]
    lines += (b"%b: %b\r\n" % field for field in answer.headers)
    if answer.status not in (204, 304):
        lines.append(b"Content-Length: %d\r\n" % len(answer.body))
    lines += (connection, b"\r\n")
    if not is_head and answer.status not in (204, 304):
        lines.append(answer.body)
    return b"".join(lines)
