"""One line for every finished exchange."""

import io
import json
from dataclasses import dataclass

import pytest

from proxy.edge.refused import HeadAnswer
from proxy.telemetry.access import AccessLog, Counted
from proxy.telemetry.counts import PlainCounts
from proxy.telemetry.lines import Lines, Timestamps


@dataclass(frozen=True)
class Head:
    method: bytes = b"GET"
    path: bytes = b"/issues"


class Written:
    """An access log and what it wrote."""

    def __init__(self, *, is_written: bool = True) -> None:
        self.stream = io.StringIO()
        self.counts = PlainCounts("requests", "Answered.", "outcome")
        self.refused = PlainCounts("refused", "Refused.", "why")
        lines = Lines(self.stream, lost=lambda count: None)
        self.log = AccessLog(
            lines,
            Timestamps(),
            Counted(requests=self.counts, refused=self.refused),
            clock=lambda: 0.25,
            is_written=is_written,
        )

    def records(self) -> list[dict[str, object]]:
        self.log.flush()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


def test_a_line_says_who_asked_for_what_and_what_came() -> None:
    written = Written()
    written.log("192.0.2.1", Head(), 200, 512, 0.0123, "ab" * 32)
    assert written.records() == [
        {
            "kind": "access",
            "at": "1970-01-01T00:00:00.250Z",
            "peer": "192.0.2.1",
            "method": "GET",
            "path": "/issues",
            "status": 200,
            "bytes": 512,
            "ms": 12.3,
            "session": "abababababababab",
        }
    ]


def test_without_a_session_none_is_named() -> None:
    written = Written()
    written.log("::1", Head(), 401, 0, 0.0, None)
    assert "session" not in written.records()[0]


@pytest.mark.parametrize("path", [b'/a"b', b"/a\\b", b"/\xff\xfe", b"/a\x00b"])
def test_no_path_breaks_a_line(path: bytes) -> None:
    written = Written()
    written.log("::1", Head(path=path), 200, 0, 0.0, None)
    assert written.records()[0]["path"] == path.decode("latin-1")


def test_requests_are_counted_by_class_even_when_no_line_is_written() -> None:
    written = Written(is_written=False)
    for status in (200, 204, 302, 503):
        written.log("::1", Head(), status, 0, 0.0, None)
    assert written.records() == []
    assert written.counts.counts == {"2xx": 2, "3xx": 1, "5xx": 1}


def test_a_head_without_an_exchange_has_a_line_with_what_is_known_of_it() -> None:
    written = Written()
    written.log.without_exchange(HeadAnswer("192.0.2.1", b"GET", b"/a", 400, 7, "no Host"))
    written.log.without_exchange(HeadAnswer("192.0.2.1", None, None, 0, 0, "no PROXY header"))
    written.log.without_exchange(HeadAnswer("192.0.2.1", b"OPTIONS", None, 204, 0, None))
    first, second, third = written.records()
    assert first == {
        "kind": "access",
        "at": "1970-01-01T00:00:00.250Z",
        "peer": "192.0.2.1",
        "method": "GET",
        "path": "/a",
        "status": 400,
        "bytes": 7,
        "refused": "no Host",
    }
    assert (second["status"], second["refused"]) == (0, "no PROXY header")
    assert not {"method", "path"} & second.keys()
    assert "refused" not in third
    assert written.counts.counts == {"2xx": 1, "4xx": 1}
    assert written.refused.counts == {"no Host": 1, "no PROXY header": 1}


@pytest.mark.parametrize("path", [b'/"', b"/\\", b"/\x1b[2J", b"/\xff\x00\x7f", b"/\r\n{}"])
def test_nothing_that_a_refused_peer_sends_breaks_a_line(path: bytes) -> None:
    written = Written()
    written.log.without_exchange(HeadAnswer("::1", path, path, 400, 0, "syntax"))
    (record,) = written.records()
    assert record["path"] == record["method"] == path.decode("latin-1")
    assert written.stream.getvalue().strip().isascii()
    assert written.stream.getvalue().strip().isprintable()


def test_refused_heads_are_counted_even_when_no_line_is_written() -> None:
    written = Written(is_written=False)
    written.log.without_exchange(HeadAnswer("::1", None, None, 400, 0, "syntax"))
    assert written.records() == []
    assert (written.counts.counts, written.refused.counts) == ({"4xx": 1}, {"syntax": 1})
