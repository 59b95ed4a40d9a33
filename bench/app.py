"""What nginx is no app for: `python -m bench.app PORT` echoes WebSocket frames at /ws and drains uploads at /up."""

import asyncio
import base64
import hashlib
import re
import sys
from typing import Final

import uvloop

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"(?i)\r\nsec-websocket-key: *([^\r]+)")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_IS_FIN: Final = 0x80
_TEXT: Final = 0x1
_BINARY: Final = 0x2
_CLOSE: Final = 0x8
LONGEST: Final = 125
"""Bytes of a frame's payload: those whose length fits into one byte."""


def handshake(key: bytes) -> bytes:
    """The agreeing answer (RFC 6455 §4.2.2)."""
    proof = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % proof
    )


def masked_frame(payload: bytes, mask: bytes) -> bytes:
    """One whole binary frame as a client sends it."""
    return bytes((_IS_FIN | _BINARY, 0x80 | len(payload))) + mask + _unmasked(payload, mask)


def plain_frame(payload: bytes) -> bytes:
    """One whole binary frame as a server sends it."""
    return bytes((_IS_FIN | _BINARY, len(payload))) + payload


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")


def take_frame(data: bytes) -> tuple[bytes, bytes] | None:
    """The first frame's answer and the rest; None while it is not whole. Empty answer: the client says goodbye."""
    if len(data) < 2 or len(data) < (end := 6 + (data[1] & 0x7F)):
        return None
    if data[0] & 0x0F not in {_TEXT, _BINARY} or data[1] & 0x7F > LONGEST:
        return b"", data[end:]
    return plain_frame(_unmasked(data[6:end], data[2:6])), data[end:]


class Beside(asyncio.Protocol):
    """One connection of nginx: a WebSocket, or one upload."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a socket's transport is whole
        self._kept = b""
        self._left: int | None = None
        self._is_open = False

    def data_received(self, data: bytes) -> None:
        if self._left is not None:
            self._drain(len(data))
        elif self._is_open:
            self._echo(self._kept + data)
        else:
            self._begin(self._kept + data)

    def _begin(self, data: bytes) -> None:
        head, end, rest = data.partition(b"\r\n\r\n")
        self._kept = b"" if end else data
        if not end:
            return
        if key := _KEY.search(head):
            self._is_open = True
            self._transport.write(handshake(key[1]))
        else:
            length = _LENGTH.search(head)
            self._left = int(length[1]) if length else 0
            self._drain(len(rest))

    def _drain(self, count: int) -> None:
        self._left = (self._left or 0) - count
        if self._left <= 0:
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\ndrained")
            self._transport.close()

    def _echo(self, data: bytes) -> None:
        while (taken := take_frame(data)) is not None:
            answer, data = taken
            if not answer:
                self._transport.close()
                return
            self._transport.write(answer)
        self._kept = data


async def serve(port: int) -> None:
    """Until it is ended."""
    server = await asyncio.get_running_loop().create_server(Beside, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
