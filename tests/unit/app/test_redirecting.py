"""The redirecting listener answers by itself: no app, no pages, no session."""

import asyncio
import io
from pathlib import Path

from proxy.app.redirecting import redirecting_listener
from proxy.settings.load import from_mapping
from proxy.telemetry.telemetry import Streams, Telemetry, TelemetryRules


async def said(port: int, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


async def test_it_sends_on_what_is_a_request_and_refuses_what_is_none(tmp_path: Path) -> None:
    tree = {
        "public_url": "https://b\u00fccher.example:443",
        "upstream": {"url": "http://127.0.0.1:9"},
        "idps": [{"id": "corp", "issuer": "https://idp.example.com", "client_id": "a"}],
        "headers": {"user_claim": "sub"},
    }
    settings = from_mapping(tree, folder=tmp_path, environ={})
    out = io.StringIO()
    telemetry = Telemetry(TelemetryRules(), streams=Streams(log=io.StringIO(), out=out))
    listener = redirecting_listener(settings, telemetry)
    ((_, port),) = await listener.start([("127.0.0.1", 0)])
    try:
        got = await said(port, b"GET /x?y HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 308 ")
        assert b"Location: https://xn--bcher-kva.example/x?y\r\n" in got
        assert (await said(port, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    finally:
        await listener.drain()
    assert '"path":"/x"' in out.getvalue()
