"""WebSocket frames as bytes, right and wrong ones, and cases made of them: what a client suite sends (RFC 6455, RFC 7692).

The numbers are those of the chapters of the Autobahn test suite, whose cases these follow.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TEXT, BINARY, CLOSE, PING, PONG, MORE = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0
DEFLATE: Final = b"permessage-deflate"
MASK: Final = bytes((0x12, 0x34, 0x56, 0x78))
OPTS: Final = b"permessage-deflate; client_no_context_takeover; server_no_context_takeover"
BAD_UTF8: Final = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Bytes to send after the handshake, in pieces; `extensions` and `protocols` are what the handshake offers."""

    name: str
    sent: tuple[bytes, ...]
    extensions: bytes | None = None
    protocols: bytes | None = None


def frame(
    kind: int, payload: bytes = b"", *, is_last: bool = True, reserved: int = 0, mask: bytes = MASK
) -> bytes:
    """One frame of a client's: masked, as short as it can be told. An empty `mask`: not masked, which is wrong."""
    first = (0x80 if is_last else 0) | reserved << 4 | kind
    masked = 0x80 if mask else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, masked | size)
    elif size < 2**16:
        head = struct.pack("!BBH", first, masked | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked | 127, size)
    return head + mask + (_masked(payload, mask) if mask else payload)


def _masked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    """A closing frame."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def cases() -> tuple[Case, ...]:
    """All of them. A case that is right ends with a close; a wrong one with what is wrong, for the app to end it."""
    return tuple(
        case
        for chapter in (
            _framing,
            _pings,
            _wrong_frames,
            _fragments,
            _utf8,
            _closing,
            _large,
            _compressed,
            _offers,
        )
        for case in chapter()
    )


def _right(name: str, *frames: bytes) -> Case:
    return Case(name=name, sent=(*frames, close()))


def _wrong(name: str, *frames: bytes) -> Case:
    return Case(name=name, sent=frames)


def _framing() -> Iterator[Case]:
    for size in (0, 1, 125, 126, 127, 128, 65535, 65536):
        yield _right(f"1.1 text of {size} bytes", frame(TEXT, b"*" * size))
        yield _right(f"1.2 {size} bytes", frame(BINARY, b"\xfe" * size))
    whole = frame(TEXT, b"*" * 300) + frame(BINARY, bytes(range(256))) + close()
    for cut in (1, 2, 3, 7):
        pieces = tuple(whole[at : at + cut] for at in range(0, len(whole), cut))
        yield Case(name=f"1.3 in pieces of {cut}", sent=pieces)
    yield Case(name="1.4 everything at once", sent=(whole,))


def _pings() -> Iterator[Case]:
    for payload in (b"", b"Hello, world!", b"\x00\xff\xfe\xfd", b"\xfe" * 125):
        yield _right(f"2.1 ping of {len(payload)}", frame(PING, payload))
    yield _right("2.2 pong that nobody asked for", frame(PONG, b"unsolicited"), frame(PING, b"?"))
    yield _right("2.3 ten pings", *(frame(PING, b"payload-%d" % number) for number in range(10)))
    yield _wrong("2.4 ping of 126", frame(PING, b"\xfe" * 126))


def _wrong_frames() -> Iterator[Case]:
    for reserved in range(1, 8):
        yield _wrong(
            f"3.1 reserved bits {reserved}", frame(TEXT, b"Hello"), frame(TEXT, b"*", reserved=reserved)
        )
    for kind in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield _wrong(f"4.1 opcode {kind}", frame(TEXT, b"Hello"), frame(kind))
    yield _wrong("4.2 no frames at all", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")


def _fragments() -> Iterator[Case]:
    one, two = frame(TEXT, b"frag", is_last=False), frame(MORE, b"ments")
    yield _right("5.1 in two fragments", one, two)
    yield _right("5.2 with a ping between", one, frame(PING, b"between"), two)
    yield _right(
        "5.3 in fragments without bytes", frame(TEXT, is_last=False), frame(MORE, is_last=False), frame(MORE)
    )
    pieces = [frame(MORE, b"fragment%d" % number, is_last=False) for number in range(2, 50)]
    yield _right(
        "5.4 in fifty fragments", frame(BINARY, b"fragment1", is_last=False), *pieces, frame(MORE, b"50")
    )
    yield _wrong("5.5 fragmented ping", frame(PING, b"a", is_last=False), frame(MORE, b"b"))
    yield _wrong("5.6 goes on with nothing", frame(MORE, b"non-continuation"))
    yield _wrong("5.7 text within a fragmented text", one, frame(TEXT, b"other"))


def _utf8() -> Iterator[Case]:
    text = "Hello-µ@ßöäüàá-UTF-8!! 𐍈 \U0010ffff".encode()
    yield _right("6.1 text beyond ASCII", frame(TEXT, text))
    halves = [frame(MORE, bytes((byte,)), is_last=False) for byte in text]
    yield _right("6.2 a fragment a byte", frame(TEXT, b"", is_last=False), *halves, frame(MORE))
    yield _wrong("6.3 not UTF-8", frame(TEXT, BAD_UTF8))
    yield _wrong(
        "6.4 not UTF-8 across fragments", frame(TEXT, BAD_UTF8[:9], is_last=False), frame(MORE, BAD_UTF8[9:])
    )
    for bad in (b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xed\xa0\x80", b"\xff"):
        yield _wrong(f"6.5 {bad.hex()}", frame(TEXT, bad))


def _closing() -> Iterator[Case]:
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield Case(name=f"7.7 closed with {code}", sent=(close(code),))
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(name=f"7.9 closed with {code}, which is none", sent=(close(code),))
    yield Case(name="7.3 closed without a code", sent=(close(None),))
    yield Case(name="7.3 closed with half a code", sent=(frame(CLOSE, b"\x03"),))
    yield Case(name="7.3 closed with a reason", sent=(frame(TEXT, b"bye"), close(1000, b"Hello World!")))
    yield Case(name="7.3 closed with the longest reason", sent=(close(1000, b"*" * 123),))
    yield Case(name="7.3 closed with too long a reason", sent=(close(1000, b"*" * 124),))
    yield Case(name="7.5 closed with a reason not in UTF-8", sent=(close(1000, BAD_UTF8),))
    yield Case(name="7.1 said after the close", sent=(close() + frame(TEXT, b"late") + frame(PING, b"late"),))


def _large() -> Iterator[Case]:
    for size in (2**18, 2**20):
        yield _right(f"9.1 text of {size} bytes", frame(TEXT, b"BAsd7&jh23" * (size // 10)))
        yield _right(f"9.2 {size} bytes", frame(BINARY, b"\x00\xfe\x00\xfe\x00\xfe\x00\xfa" * (size // 8)))
    parts = [frame(MORE, bytes(4096), is_last=False) for _ in range(63)]
    yield _right("9.3 256 KiB in fragments", frame(BINARY, bytes(4096), is_last=False), *parts, frame(MORE))
    yield _right("9.7 a thousand small ones", *(frame(TEXT, b"*" * (number % 64)) for number in range(1000)))


def _deflated(data: bytes, kind: int = TEXT) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    return frame(kind, packed.removesuffix(b"\x00\x00\xff\xff"), reserved=4)


def _compressed() -> Iterator[Case]:
    for size in (16, 64, 4096, 131072):
        data = (b"only the app unpacks this. " * (size // 16))[:size]
        for name, offer in (("12.1", OPTS), ("12.2", DEFLATE)):
            sent = (_deflated(data), _deflated(data[::-1], BINARY), frame(TEXT, b"not packed"), close())
            yield Case(name=f"{name} packed, {size} bytes", sent=sent, extensions=offer)
    yield Case(name="12.3 packed, as nobody agreed", sent=(_deflated(b"Hello" * 10),))
    wrong = frame(TEXT, b"\xff\xff\xff\xff", reserved=4)
    yield Case(name="12.4 packed wrongly", sent=(wrong,), extensions=DEFLATE)


def _offers() -> Iterator[Case]:
    for offer in (DEFLATE + b"; server_max_window_bits=10", b"x-unknown", b"x-unknown, " + DEFLATE):
        yield Case(
            name=f"13.1 offers {offer.decode()}", sent=(frame(TEXT, b"Hello"), close()), extensions=offer
        )
    for offer in (b"chat", b"superchat, chat", b"unknown"):
        sent = (frame(TEXT, b"Hello"), close())
        yield Case(name=f"13.2 speaks {offer.decode()}", sent=sent, protocols=offer)
