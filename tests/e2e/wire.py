"""Bytes on a socket, for what no HTTP client would send."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from tests.e2e.program import HOST, Muster


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a connection that was closed after it."""

    status: int
    head: str
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


async def send(
    muster: Muster, *fields: str, request: str = "GET /headers HTTP/1.1", body: bytes = b""
) -> Reply:
    """A request of exactly these lines after request line, Host and `Connection: close` (unless `fields` has another)."""
    closing = (
        [] if any(field.lower().startswith("connection:") for field in fields) else ["Connection: close"]
    )
    lines = [request, f"Host: {HOST}:{muster.ports.public}", *closing, *fields]
    raw = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
    reader, writer = await asyncio.open_connection("127.0.0.1", muster.ports.public)
    try:
        writer.write(raw)
        return await asyncio.wait_for(_read(reader), 20)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = next(
        (line.partition(":")[2] for line in head.lower().split("\r\n") if line.startswith("content-length:")),
        None,
    )
    body = await reader.read() if length is None else await reader.readexactly(int(length))
    return Reply(status=int(head.split(" ", 2)[1]), head=head, body=body)
