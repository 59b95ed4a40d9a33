"""An answer's head, written anew: framing decided once (RFC 9112 §6.3), and the bytes of answers of our own.

| the app's answer | to a 1.1 client | to a 1.0 client |
|---|---|---|
| to HEAD, or 204, 304 | no body | no body |
| `chunked` (in 1.1 only) | chunked | until close |
| Content-Length | the same | the same |
| neither: until the app closes | chunked | until close |
| another coding, both, or no plain number | 502 | 502 |
| of another version than 1.0 and 1.1 | 502 | 502 |
"""

from http import HTTPStatus
from typing import Final, TypeAlias

from proxy.edge.ports import Answer
from proxy.gate.fields import Sifted

NO_BODY: Final = 0
LENGTH: Final = 1
CHUNKED: Final = 2
UNTIL_CLOSE: Final = 3

CLOSE_LINE: Final = b"Connection: close\r\n"
KEEP_LINE: Final = b"Connection: keep-alive\r\n"
CRLF: Final = b"\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"

_LENGTH_DIGITS: Final = 18
_VERSIONS: Final = ("1.1", "1.0")
_CHUNKED_LINE: Final = b"Transfer-Encoding: chunked\r\n"
_STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode("ascii"))
    for status in HTTPStatus
}


Framing: TypeAlias = tuple[int, bytes, bool]
"""How the body goes to the client, the line that says so, and whether the app marks its end only by closing."""

_BARE: Final = (NO_BODY, b"", False)


def status_line(status: int) -> bytes:
    """The first line, with the registered phrase."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def frame(sifted: Sifted, status: int, *, version: str, is_head: bool, takes_chunks: bool) -> Framing | None:
    """How this answer is framed for the client (the table above); None when nobody can know where it ends."""
    _, length, coding, _ = sifted
    if version not in _VERSIONS:
        return None
    if coding is None and length is not None:
        if not length.isdigit() or len(length) > _LENGTH_DIGITS:
            return None
        if status == 204:
            return _BARE
        mode = NO_BODY if is_head or status == 304 else LENGTH
        return mode, b"Content-Length: %b\r\n" % length, False
    if coding is not None and (length is not None or version != "1.1" or coding.lower() != b"chunked"):
        return None
    if is_head or status in (204, 304):
        return _BARE
    ends_by_eof = coding is None
    return (CHUNKED, _CHUNKED_LINE, ends_by_eof) if takes_chunks else (UNTIL_CLOSE, b"", ends_by_eof)


def joined(lines: list[bytes]) -> bytes:
    """Field lines with their CRLFs."""
    return b"\r\n".join(lines) + b"\r\n" if lines else b""


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; `data` is not empty (an empty chunk would end the body)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def interim(status: int, sifted: Sifted) -> bytes:
    """A 1xx, passed on."""
    return b"%b%b\r\n" % (status_line(status), joined(sifted[0]))


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
