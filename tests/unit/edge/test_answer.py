"""The table of `answer.frame`, and answers of our own as bytes."""

import pytest

from proxy.edge.answer import (
    CHUNKED,
    LENGTH,
    NO_BODY,
    UNTIL_CLOSE,
    chunk,
    frame,
    interim,
    joined,
    render,
    status_line,
)
from proxy.edge.ports import Answer
from proxy.gate.fields import Sifted

FIVE = b"Content-Length: 5\r\n"
CODED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("length", "coding", "status", "version", "is_head", "takes_chunks", "expected"),
    [
        (b"5", None, 200, "1.1", False, True, (LENGTH, FIVE, False)),
        (b"5", None, 200, "1.0", False, False, (LENGTH, FIVE, False)),
        (b"5", None, 200, "1.1", True, True, (NO_BODY, FIVE, False)),
        (b"5", None, 304, "1.1", False, True, (NO_BODY, FIVE, False)),
        (b"5", None, 204, "1.1", False, True, (NO_BODY, b"", False)),
        (None, None, 204, "1.1", False, True, (NO_BODY, b"", False)),
        (None, None, 304, "1.1", False, True, (NO_BODY, b"", False)),
        (None, None, 200, "1.1", True, True, (NO_BODY, b"", False)),
        (None, b"chunked", 200, "1.1", True, True, (NO_BODY, b"", False)),
        (None, b"Chunked", 200, "1.1", False, True, (CHUNKED, CODED, False)),
        (None, b"chunked", 200, "1.1", False, False, (UNTIL_CLOSE, b"", False)),
        (None, None, 200, "1.1", False, True, (CHUNKED, CODED, True)),
        (None, None, 200, "1.0", False, False, (UNTIL_CLOSE, b"", True)),
        (None, b"gzip", 200, "1.1", False, True, None),
        (None, b"gzip, chunked", 200, "1.1", False, True, None),
        (None, b"chunked", 200, "1.0", False, True, None),
        (b"5", b"chunked", 200, "1.1", False, True, None),
        (b"5, 5", None, 200, "1.1", False, True, None),
        (b"", None, 200, "1.1", False, True, None),
        (b"-5", None, 200, "1.1", True, True, None),
        (b"9" * 19, None, 200, "1.1", False, True, None),
    ],
)
def test_framing(
    length: bytes | None,
    coding: bytes | None,
    status: int,
    version: str,
    is_head: bool,
    takes_chunks: bool,
    expected: tuple[int, bytes, bool] | None,
) -> None:
    sifted: Sifted = ([], length, coding, False)
    assert frame(sifted, status, version=version, is_head=is_head, takes_chunks=takes_chunks) == expected


def test_status_lines_of_known_and_unknown_codes() -> None:
    assert status_line(404) == b"HTTP/1.1 404 Not Found\r\n"
    assert status_line(299) == b"HTTP/1.1 299 \r\n"


def test_small_parts() -> None:
    assert chunk(b"x" * 20) == b"14\r\n" + b"x" * 20 + b"\r\n"
    assert joined([]) == b""
    assert joined([b"A: b", b"C: d"]) == b"A: b\r\nC: d\r\n"
    assert interim(103, ([b"Link: x"], None, None, False)) == b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"


def test_an_answer_of_our_own() -> None:
    answer = Answer(status=401, headers=((b"Content-Type", b"text/plain"),), body=b"no")
    assert render(answer, date=b"D", is_head=False, connection=b"Connection: close\r\n") == (
        b"HTTP/1.1 401 Unauthorized\r\nDate: D\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    )


def test_head_gets_the_length_and_no_body_and_204_neither() -> None:
    assert render(Answer(status=200, body=b"no"), date=b"D", is_head=True, connection=b"").endswith(
        b"Content-Length: 2\r\n\r\n"
    )
    assert (
        render(Answer(status=204), date=b"D", is_head=False, connection=b"")
        == b"HTTP/1.1 204 No Content\r\nDate: D\r\n\r\n"
    )
