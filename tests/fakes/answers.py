"""Answers as a strict reader takes them from the wire, by other code than llhttp and the edge's."""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?")
"""A phrase may hold anything: nobody reads it, and the edge writes its own."""

_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[^\r\n]*)?\r\n")


class End(Enum):
    """Where a stretch of answers ends."""

    WHOLE = "after a whole answer, or before the first"
    CUT = "in the middle of one"
    UNTIL_CLOSE = "with one that only the connection's end ends"
    TUNNEL = "with a 101: what follows is no HTTP"


class Answer(NamedTuple):
    """One, interim or final. `end` is the offset after it; None when it is not whole, or nothing but the close ends it."""

    status: int
    end: int | None
    is_until_close: bool = False


class Answers(NamedTuple):
    """A stretch of them: the final statuses, and how it ends."""

    statuses: list[int]
    end: End


def read_answers(raw: bytes, methods: Sequence[bytes]) -> Answers:
    """The answers to requests of these methods, in order. AssertionError at the first irregular byte, or at one too many.

    A last answer may be to no request: a refusal of bytes that are none. It has no body if they began as a HEAD.
    """
    statuses: list[int] = []
    at = 0
    while at < len(raw):
        number = len(statuses)
        assert number <= len(methods), "more answers than requests"
        refused = number == len(methods)
        answer = next_answer(raw, at, b"" if refused else methods[number])
        if answer is None:
            return Answers(statuses, End.CUT)
        if answer.status == 101:
            return Answers(statuses, End.TUNNEL)
        if answer.status >= 200:
            statuses.append(answer.status)
        if answer.end is None and not (refused and raw.find(b"\r\n\r\n", at) == len(raw) - 4):
            return Answers(statuses, End.UNTIL_CLOSE if answer.is_until_close else End.CUT)
        at = answer.end or len(raw)
    return Answers(statuses, End.WHOLE)


def next_answer(raw: bytes, at: int, method: bytes) -> Answer | None:
    """The answer that begins there; None while its head is not whole (RFC 9112 §6.3)."""
    end = raw.find(b"\r\n\r\n", at)
    if end < 0:
        return None
    line, *lines = raw[at:end].split(b"\r\n")
    head = _STATUS.fullmatch(line)
    assert head, line
    status, start = int(head[1]), end + 4
    fields = [_FIELD.fullmatch(each) for each in lines]
    assert all(fields), lines
    values = [(field[1].lower(), field[2]) for field in fields if field]
    if status < 200 or status in (204, 304) or method == b"HEAD":
        return Answer(status, start)
    return _framed(raw, start, status, values)


def _framed(raw: bytes, start: int, status: int, values: list[tuple[bytes, bytes]]) -> Answer:
    codings = [value for name, value in values if name == b"transfer-encoding"]
    lengths = [value for name, value in values if name == b"content-length"]
    assert len(codings) + len(lengths) <= 1, values
    if codings:
        assert codings[0].lower() == b"chunked", codings
        return Answer(status, _end_of_chunks(raw, start))
    if not lengths:
        return Answer(status, None, is_until_close=True)
    assert re.fullmatch(rb"[0-9]{1,18}", lengths[0]), lengths
    end = start + int(lengths[0])
    return Answer(status, end if end <= len(raw) else None)


def _end_of_chunks(raw: bytes, at: int) -> int | None:
    """The offset after the trailers; None when it is not there yet."""
    while b"\r\n" in raw[at:]:
        line = _CHUNK.match(raw, at)
        assert line, raw[at : at + 40]
        size, at = int(line[1], 16), line.end()
        if size == 0:
            return _end_of_trailers(raw, at)
        assert raw[at + size : at + size + 2] in (b"", b"\r", b"\r\n"), "a chunk ends with CRLF"
        at += size + 2
    return None


def _end_of_trailers(raw: bytes, at: int) -> int | None:
    if raw.startswith(b"\r\n", at):
        return at + 2
    end = raw.find(b"\r\n\r\n", at)
    return None if end < 0 else end + 4
