"""JSON lines to one stream, written in batches: a line costs an append, the system call is paid once a batch."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TextIO

_MOST_WAITING: Final = 2000
_ATOMIC: Final = 4096
"""PIPE_BUF of Linux: what a pipe takes whole, or not at all (pipe(7))."""

_PLAIN: Final = re.compile(rb"[ !#-\[\]-~]*")


class Lines:
    """Takes finished lines. `lost` hears how many could not be written; a broken stream never breaks a request."""

    def __init__(self, stream: TextIO, lost: Callable[[int], None]) -> None:
        self._stream = stream
        self._lost = lost
        self._waiting: list[str] = []

    def add(self, line: str) -> None:
        self._waiting.append(line)
        if len(self._waiting) >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for part in _parts(waiting):
            try:
                self._stream.write("\n".join(part) + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                self._lost(len(part))


def _parts(lines: list[str]) -> Iterator[list[str]]:
    """What fits into one atomic write each: several workers share the stream, and a line must not end inside another."""
    part: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > _ATOMIC and part:
            yield part
            part, size = [], len(line) + 1
        part.append(line)
    if part:
        yield part


class Timestamps:
    """ISO 8601 in UTC with milliseconds; a second's text is made once, and so is a millisecond's: lines come in bursts."""

    __slots__ = ("_instant", "_millisecond", "_second", "_text")

    def __init__(self) -> None:
        self._second = self._millisecond = -1
        self._text = self._instant = ""

    def text(self, now: float) -> str:
        second = int(now)
        millisecond = int((now - second) * 1000)
        if second != self._second:
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._second = second
        elif millisecond == self._millisecond:
            return self._instant
        self._millisecond = millisecond
        self._instant = f"{self._text}.{millisecond:03d}Z"
        return self._instant


def to_json(record: Any) -> str:
    """One line; what JSON cannot hold becomes its text."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)


def quoted(raw: bytes) -> str:
    """Bytes of a request line as a JSON string; escapes only what needs it."""
    if _PLAIN.fullmatch(raw):
        return f'"{raw.decode("ascii")}"'
    return json.dumps(raw.decode("latin-1"))
