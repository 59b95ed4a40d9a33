"""The PROXY protocol's header, whole, cut, and broken."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.preamble import MOST_V1, Malformed, Preamble, read_preamble

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V1 = b"PROXY TCP4 203.0.113.7 10.0.0.1 56324 443\r\n"


def v2(command: int = 0x21, family: int = 0x11, body: bytes | None = None, extra: bytes = b"") -> bytes:
    if body is None:
        body = bytes([203, 0, 113, 7, 10, 0, 0, 1]) + struct.pack("!HH", 56324, 443)
    body += extra
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


SIX = ipaddress.ip_address("2001:db8::7").packed + bytes(16) + struct.pack("!HH", 1, 2)
WHOLE = {
    "version 1": (V1, "203.0.113.7"),
    "version 1, IPv6": (b"PROXY TCP6 2001:DB8::7 ::1 1 65535\r\n", "2001:db8::7"),
    "version 1, unknown": (b"PROXY UNKNOWN\r\n", None),
    "version 1, unknown with addresses": (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
    "version 2": (v2(), "203.0.113.7"),
    "version 2, IPv6": (v2(family=0x21, body=SIX), "2001:db8::7"),
    "version 2 with extensions": (v2(extra=b"\x04\x00\x01x"), "203.0.113.7"),
    "version 2, a health check of the sender's own": (v2(command=0x20, family=0, body=b""), None),
    "version 2, a Unix socket": (v2(family=0x31, body=bytes(216)), None),
}


@pytest.mark.parametrize(("data", "peer"), WHOLE.values(), ids=WHOLE)
def test_a_whole_header_names_the_client_and_ends_where_it_says(data: bytes, peer: str | None) -> None:
    assert read_preamble(data) == Preamble(peer, len(data))
    assert read_preamble(data + b"GET / HTTP/1.1\r\n") == Preamble(peer, len(data))
    for cut in range(len(data)):
        assert read_preamble(data[:cut]) is None, cut


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01",
        b"proxy TCP4 203.0.113.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2 3\r\n",
        b"PROXY TCP4  203.0.113.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.07 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 01 2\r\n",
        b"PROXY TCP4 203.0.113.7 10.0.0.1 1 65536\r\n",
        b"PROXY TCP6 fe80::7%eth0 ::1 1 2\r\n",
        b"PROXY TCP6 2001:db8::7%\nX-Forwarded-User:root ::1 1 2\r\n",
        b"PROXY TCP6 2001:db8::7 ::1%x 1 2\r\n",
        b"PROXY TCP5 203.0.113.7 10.0.0.1 1 2\r\n",
        b"PROXY \r\n",
        b"PROXY " + b"x" * MOST_V1,
        v2(command=0x31),
        v2(command=0x22),
        v2(body=bytes(11)),
        v2(extra=bytes(5000)),
    ],
)
def test_anything_else_is_refused_and_never_guessed_at(data: bytes) -> None:
    assert read_preamble(data) == Malformed()


@given(st.binary(max_size=300))
def test_any_bytes_give_a_header_a_refusal_or_a_wish_for_more(data: bytes) -> None:
    found = read_preamble(data)
    if isinstance(found, Preamble):
        assert 0 < found.size <= len(data)
