"""TLS on the listener: who connects and never shakes hands."""

import asyncio
import ssl
from pathlib import Path

from proxy.edge.listener import Listener
from proxy.edge.plane import Neighbours
from proxy.edge.rules import Limits
from tests.fakes.certificates import Authority
from tests.fakes.edge import FIELDS, FakeAccess, FakeAnswers, FakeGate, no_own_pages


async def test_who_never_shakes_hands_is_closed(tmp_path: Path) -> None:
    """By the deadline of a head: nothing at all, or a handshake that stops in the middle."""
    pair = Authority(tmp_path).issue("muster")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    neighbours = Neighbours(
        gate=FakeGate(),
        answers=FakeAnswers(),
        connect_own=no_own_pages,
        access=FakeAccess(),
        report=lambda error: "none",
    )
    limits = Limits(tick=0.02, header_timeout=0.2, drain_timeout=1.0)
    listener = Listener(neighbours, upstream=None, fields=FIELDS, limits=limits, tls=context)
    ((host, port),) = await listener.start([("127.0.0.1", 0)])
    try:
        for said in (b"", b"\x16\x03\x01\x02\x00\x01"):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(said)
                async with asyncio.timeout(10):
                    assert await _rest(reader) == b""
            finally:
                writer.close()
        assert listener.connections == 0
    finally:
        await listener.drain()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """A reset is as good an end as any."""
    try:
        return await reader.read(-1)
    except ConnectionError:
        return b""
