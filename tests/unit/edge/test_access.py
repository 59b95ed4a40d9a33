"""Access lines: valid JSON, in batches, without anything secret."""

import json

from proxy.edge.access import BATCH, AccessLines
from proxy.gate.decision import Request
from proxy.session.model import SessionKey


def _request(path: bytes = b"/a") -> Request:
    return Request(
        method=b"GET",
        target=path + b"?code=secret",
        path=path,
        headers=[(b"Authorization", b"secret")],
        names=[b"authorization"],
        host=b"a",
        cookie=b"secret",
        peer="192.0.2.1",
        scheme="http",
    )


class Clock:
    """A clock that stands where it was put."""

    now = 1_700_000_000.25

    def __call__(self) -> float:
        return self.now


def test_a_line_holds_the_facts_and_no_secret() -> None:
    written: list[str] = []
    log = AccessLines(written.append, Clock())
    log("192.0.2.1", _request(), 200, 1024, 0.00123, SessionKey("abc"))
    assert written == []
    log.flush()
    (line,) = written
    assert "secret" not in line
    assert json.loads(line) == {
        "event": "request",
        "time": "2023-11-14T22:13:20.250Z",
        "peer": "192.0.2.1",
        "method": "GET",
        "path": "/a",
        "status": 200,
        "bytes": 1024,
        "ms": 1.23,
        "session": "abc",
    }


def test_any_path_makes_one_line_of_valid_json() -> None:
    written: list[str] = []
    log = AccessLines(written.append, Clock())
    every = bytes(byte for byte in range(256) if byte > 0x20 and byte != 0x7F)
    log("::1", _request(b"/" + every), 200, 0, 0.0, None)
    log.flush()
    assert written[0].count("\n") == 1
    assert json.loads(written[0])["path"] == "/" + every.decode("latin-1")
    assert json.loads(written[0])["session"] is None


def test_lines_are_written_in_batches_and_the_clock_read_at_each() -> None:
    written: list[str] = []
    clock = Clock()
    log = AccessLines(written.append, clock)
    for _ in range(BATCH):
        log("a", _request(), 200, 0, 0.0, None)
    assert [text.count("\n") for text in written] == [BATCH]
    clock.now += 60
    log.flush()
    log("a", _request(), 200, 0, 0.0, None)
    log.flush()
    assert "22:14:20" in written[1]
    log.flush()
    assert len(written) == 2
