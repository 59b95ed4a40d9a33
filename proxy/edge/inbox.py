"""Bytes that a client sent and llhttp did not get yet, given out in pieces.

Invariant: a piece is at most `FEED` bytes and never holds the end of one message and the beginning of the next. llhttp cannot be
paused within a feed (one 256 KiB read delivered 14,563 pipelined requests), so the pieces are cut where messages can end: after a
CRLF CRLF, which ends every head and every chunked body, and where a Content-Length says.
"""

from typing import Final

FEED: Final = 16 * 1024
END_OF_HEAD: Final = b"\r\n\r\n"


class Inbox:
    """One per connection. `data` is empty when everything was given out; it holds one read at most while reading is paused."""

    __slots__ = ("_left", "_offset", "_tail", "data")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.data = b""
        self._offset = 0
        self._left = 0
        self._tail = b""

    def add(self, data: bytes) -> None:
        """Takes what a read brought."""
        if self.data:
            self.data = self.data[self._offset :] + data
            self._offset = 0
        else:
            self.data = data

    def taken(self) -> bytes:
        """Everything that was not given out; nothing is left."""
        rest = self.data[self._offset :]
        self.clear()
        return rest

    def is_whole_head(self, data: bytes) -> bool:
        """Whether a read may be fed as it is: nothing waits, and it ends with the only CRLF CRLF in it."""
        size = len(data)
        return (
            size <= FEED
            and not self.data
            and not self._tail
            and data.find(END_OF_HEAD) == size - len(END_OF_HEAD)
        )

    def expect(self, length: int) -> None:
        """A head was found; its body is `length` bytes, or says its own end (negative)."""
        self._left = max(length, 0)

    def piece(self) -> bytes:
        """The next bytes to feed."""
        data, start = self.data, self._offset
        end = min(len(data), start + FEED)
        if self._left > 0:
            end = min(end, start + self._left)
            self._left -= end - start
        elif self._tail or data.find(END_OF_HEAD, start, end) != end - len(END_OF_HEAD):
            end = self._end_of_block(data, start, end)
        piece = data if start == 0 and end == len(data) else data[start:end]
        if end == len(data):
            self.data, self._offset = b"", 0
        else:
            self._offset = end
        return piece

    def _end_of_block(self, data: bytes, start: int, end: int) -> int:
        """Where a head, or perhaps a chunked body, ends: after the first CRLF CRLF, which may have begun in the last piece."""
        tail = self._tail
        if tail:
            straddling = (tail + data[start : start + 3]).find(END_OF_HEAD)
            if straddling >= 0:
                self._tail = b""
                return min(end, start + straddling + len(END_OF_HEAD) - len(tail))
        found = data.find(END_OF_HEAD, start, end)
        if found >= 0:
            self._tail = b""
            return found + len(END_OF_HEAD)
        self._tail = (tail + data[max(start, end - 3) : end])[-3:]
        return end
