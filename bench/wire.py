"""Bare sockets to a target, and the heads that go over them: what the generators of our own are made of."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

OPEN_SECONDS: Final = 20.0
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Failed(Exception):
    """A request was not answered as it should be: that is no measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a generator sends, in what crosses a process boundary: the target's port and what every request carries."""

    port: int
    headers: Mapping[str, str]

    def head(self, method: str, path: str, more: Mapping[str, str] | None = None) -> bytes:
        """A request's head."""
        fields = {"Host": f"127.0.0.1:{self.port}", **self.headers, **(more or {})}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    def connect(self) -> socket.socket:
        """A new connection, blocking, without Nagle's delay."""
        own = socket.create_connection(("127.0.0.1", self.port), OPEN_SECONDS)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return own


def whole_length(data: bytes) -> int | None:
    """How long the message that begins here is, head and body; None while its head is not whole.

    Raises Failed when it is no 200 with a Content-Length.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = _LENGTH.search(data, 0, end)
    if not data.startswith(b"HTTP/1.1 200 ") or length is None:
        raise Failed(data[:end].decode("latin-1"))
    return end + 4 + int(length[1])


def read_head(own: socket.socket) -> tuple[bytes, bytes]:
    """An answer's head, and what of its body came with it. Raises Failed when the connection ends first."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = own.recv(65536)
        if not part:
            raise Failed(f"the connection ended after {data!r}")
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest
