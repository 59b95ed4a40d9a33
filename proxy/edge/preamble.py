"""The PROXY protocol's header, versions 1 and 2: a connection's first bytes, in which a load balancer names the client.

Source: "The PROXY protocol, versions 1 & 2" (HAProxy, 2020/03/05), §2.1 and §2.2. A receiver is told to expect it and never
guesses: what does not begin with one is refused.

Pure: no clock, no socket.
"""

import ipaddress
import struct
from typing import Final, NamedTuple

MOST_V1: Final = 107
"""The longest line of version 1, with its CRLF."""

MOST_V2: Final = 16 + 4096
"""What we take of version 2: the fixed part, addresses, and extensions that nobody needs here."""

_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED: Final = 16
_LOCAL, _PROXY = 0x20, 0x21
_FAMILIES: Final = {0x11: "!4s4s", 0x12: "!4s4s", 0x21: "!16s16s", 0x22: "!16s16s"}


class Preamble(NamedTuple):
    """A whole header of `size` bytes. `peer` is the client's address; None: the sender speaks for itself, or does not know."""

    peer: str | None
    size: int


class Malformed(NamedTuple):
    """No header of either version."""


def read_preamble(data: bytes) -> Preamble | Malformed | None:
    """What a connection begins with; None while more bytes are needed to tell."""
    if data.startswith(_SIGNATURE[: len(data)]):
        return _version_2(data) if len(data) >= _FIXED else None
    if data.startswith(b"PROXY "[: len(data)]):
        return _version_1(data)
    return Malformed()


def _version_1(data: bytes) -> Preamble | Malformed | None:
    end = data.find(b"\r\n", 0, MOST_V1)
    if end < 0:
        return None if len(data) < MOST_V1 else Malformed()
    words = data[:end].decode("latin-1").split(" ")
    if words[1] == "UNKNOWN":
        return Preamble(None, end + 2)
    version = {"TCP4": 4, "TCP6": 6}.get(words[1])
    if version is None or len(words) != 6 or not all(_is_port(port) for port in words[4:]):
        return Malformed()
    source, destination = _address(words[2], version), _address(words[3], version)
    return Malformed() if source is None or destination is None else Preamble(source, end + 2)


def _version_2(data: bytes) -> Preamble | Malformed | None:
    command, family, length = struct.unpack_from("!BBH", data, len(_SIGNATURE))
    size = _FIXED + length
    if command not in (_LOCAL, _PROXY) or size > MOST_V2:
        return Malformed()
    if len(data) < size:
        return None
    shape = _FAMILIES.get(family)
    if command == _LOCAL or shape is None:
        return Preamble(None, size)
    if length < struct.calcsize(shape) + 4:
        return Malformed()
    source, _ = struct.unpack_from(shape, data, _FIXED)
    return Preamble(str(ipaddress.ip_address(source)), size)


def _address(text: str, version: int) -> str | None:
    """The address in its one spelling; None for any other text, a zone's included, which might hold a line's end."""
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return str(address) if address.version == version else None


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") and int(text) <= 65535
