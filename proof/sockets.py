"""WebSockets and event streams by the thousand: `python -m proof.sockets [9000 [10000]]`, so many of each, and so many idle
connections. Exit 1 when one fails or costs too much.

Each kind meets a `muster serve` of its own, as shipped, with somebody signed in (`proof.whole`); the clients are here. Resident
memory is printed.
"""

import asyncio
import base64
import hashlib
import re
import resource
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.whole import ONE_KIB, Whole, run_app, whole

IDLE_GOAL = 90.0
AT_ONCE = 100
SPARE = 200
SETTLE = 2.0
"""Seconds between the last one opened and the look at memory."""

FRAME = b"\x81\x85abcd" + bytes(a ^ b for a, b in zip(b"hello", b"abcda", strict=True))
ECHO = b"\x81\x05hello"
EVENT = b"data: hello\n\n"
KEY = base64.b64encode(b"0123456789abcdef")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def _app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Agrees to a handshake and echoes frames of one kind; answers `/events` with one event and no end; else 1 KiB."""
    while head := await _head(reader):
        if key := re.search(rb"(?i)\r\nsec-websocket-key: *([^\r]+)", head):
            writer.write(_agreement(key[1]))
            while await reader.read(65536):
                writer.write(ECHO)
        elif b" /events " in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
            writer.write(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(EVENT), EVENT))
        else:
            writer.write(ONE_KIB)
    writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """A request's head; empty at the end."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _agreement(key: bytes) -> bytes:
    proof = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % proof
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What one client says, and what it must hear, step by step. `goal` is in MiB."""

    name: str
    goal: float
    steps: tuple[tuple[bytes, bytes], ...]


def kinds(head: bytes) -> tuple[Kind, ...]:
    """The three of them, signed in by `head`."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    opening = b"GET /ws HTTP/1.1\r\n" + head + upgrade + KEY + b"\r\n\r\n"
    events = b"GET /events HTTP/1.1\r\n" + head + b"\r\n"
    return (
        Kind(
            name="idle connections",
            goal=250,
            steps=((b"GET /1k HTTP/1.1\r\n" + head + b"\r\n", bytes(1024)),),
        ),
        Kind(name="WebSockets", goal=500, steps=((opening, b"\r\n\r\n"), (FRAME, ECHO))),
        Kind(name="event streams", goal=500, steps=((events, EVENT),)),
    )


async def _opened(port: int, kind: Kind, gate: asyncio.Semaphore) -> socket.socket:
    """A connection on which every step was heard. Raises OSError when one was not."""
    loop = asyncio.get_running_loop()
    async with gate, asyncio.timeout(60):
        own = socket.socket()
        own.setblocking(False)
        await loop.sock_connect(own, ("127.0.0.1", port))
        for said, expected in kind.steps:
            await loop.sock_sendall(own, said)
            heard = b""
            while expected not in heard:
                part = await loop.sock_recv(own, 65536)
                if not part:
                    raise ConnectionError(f"ended after {heard!r}")
                heard += part
        return own


async def held(muster: Whole, kind: Kind, count: int) -> bool:
    """Opens them all, holds them, says what they cost, and lets them go."""
    gate = asyncio.Semaphore(AT_ONCE)
    before = muster.resident
    opening = (_opened(muster.port, kind, gate) for _ in range(count))
    opened = await asyncio.gather(*opening, return_exceptions=True)
    own = [one for one in opened if isinstance(one, socket.socket)]
    await asyncio.sleep(SETTLE)
    after = muster.resident
    # Whoever was closed meanwhile is readable: nobody has anything to say to these.
    alive = sum(not _is_over(one) for one in own)
    for one in own:
        one.close()
    each = (after - before) * 1024 / max(1, len(own))
    print(f"{kind.name}: {alive} of {count} open, {after:.0f} MiB (goal {kind.goal:g}), {each:.1f} KiB each")
    for failure in {repr(one) for one in opened if isinstance(one, BaseException)}:
        print(f"  {failure}")
    return alive == count and after <= kind.goal


def _is_over(own: socket.socket) -> bool:
    try:
        return own.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def prove(count: int, idle: int, folder: Path) -> bool:
    """Whether all of them were served, within the goals."""
    is_small, outcomes = True, []
    for number, name in enumerate(kind.name for kind in kinds(b"")):
        with whole("proof.sockets", folder / str(number)) as muster:
            resident = muster.resident
            is_small = is_small and resident <= IDLE_GOAL
            print(f"signed in, nothing to do: {resident:.0f} MiB (goal {IDLE_GOAL:g})")
            kind = kinds(muster.head)[number]
            outcomes.append(asyncio.run(held(muster, kind, idle if name == "idle connections" else count)))
    return is_small and all(outcomes)


def main(argv: Sequence[str]) -> int:
    """0 when it holds."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if argv[:1] == ["--app"]:
        return run_app(_app)
    count = int(argv[0]) if argv else 9000
    idle = int(argv[1]) if argv[1:] else 10_000
    needed = max(2 * count, idle) + SPARE
    if hard != resource.RLIM_INFINITY and needed > hard:
        print(f"proof: {needed} open files are needed, and this machine allows {hard}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="muster-proof-") as folder:
        return 0 if prove(count, idle, Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
