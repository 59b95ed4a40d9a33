"""Clients that are slow on purpose, against the limits as shipped: `python -m proof.slow`. Exit 1 when one lasts 30 s or longer.

It is a `muster serve` as shipped, with somebody signed in (`proof.whole`); the clients are here, the app is a process of its own.
"""

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

from proof.whole import ONE_KIB, run_app, whole

ALLOWED = 30.0
PATIENCE = 60.0
DRIP = 0.25
SMALL = 4096
FLOOD = 64 * 2**20

Attack = Callable[[socket.socket, bytes], Coroutine[None, None, None]]


async def _app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Endless bytes to `GET /flood`, 1 KiB to any other GET; reads whatever else comes, and never answers it."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while (head := await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /1k "):
            writer.write(ONE_KIB)
        if head.startswith(b"GET"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % FLOOD)
            for _ in range(FLOOD // 65536):
                writer.write(bytes(65536))
                await writer.drain()
        while await reader.read(65536):
            pass
    writer.close()


async def _silent(own: socket.socket, head: bytes) -> None:
    await asyncio.get_running_loop().sock_recv(own, 1)


async def _drip(own: socket.socket, first: bytes, dripped: bytes) -> None:
    """One byte after another until the other side answers or ends."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(own, first)
    heard = asyncio.create_task(loop.sock_recv(own, 65536))
    while not heard.done():
        await loop.sock_sendall(own, dripped)
        await asyncio.wait({heard}, timeout=DRIP)
    if heard.result():
        # A refusal came; the connection itself must end too.
        while await loop.sock_recv(own, 65536):
            pass


async def _slowloris(own: socket.socket, head: bytes) -> None:
    await _drip(own, b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"x")


async def _slow_body(own: socket.socket, head: bytes) -> None:
    await _drip(own, b"POST / HTTP/1.1\r\n" + head + b"Content-Length: 1000000\r\n\r\n", b"x")


async def _slow_chunks(own: socket.socket, head: bytes) -> None:
    await _drip(own, b"POST / HTTP/1.1\r\n" + head + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")


async def _slow_reader(own: socket.socket, head: bytes) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(own, b"GET /flood HTTP/1.1\r\n" + head + b"\r\n")
    while True:
        await asyncio.sleep(DRIP)
        if not await loop.sock_recv(own, 10):
            return


ATTACKS: dict[str, Attack] = {
    "says nothing": _silent,
    "a head that drips": _slowloris,
    "a body that drips": _slow_body,
    "chunks that drip": _slow_chunks,
    "a reader that sips": _slow_reader,
}


async def _lasts(attack: Attack, port: int, head: bytes) -> float:
    """Seconds until the edge ended the connection, as the kernel knows it; PATIENCE when it never did."""
    loop = asyncio.get_running_loop()
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        own.setblocking(False)
        await loop.sock_connect(own, ("127.0.0.1", port))
        started = loop.time()
        attacking = asyncio.create_task(attack(own, head))
        while not attacking.done() and loop.time() - started < PATIENCE and _is_open(own):
            await asyncio.wait({attacking}, timeout=0.1)
        lasted = loop.time() - started
        attacking.cancel()
        await asyncio.gather(attacking, return_exceptions=True)
        return lasted


def _is_open(own: socket.socket) -> bool:
    """A reset shows before what was buffered is read (tcp(7), TCP_INFO: 1 is ESTABLISHED, 8 CLOSE_WAIT)."""
    return own.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in (1, 8)


async def prove(port: int, head: bytes) -> bool:
    """Whether every one of them was closed in time."""
    lasted = await asyncio.gather(*(_lasts(attack, port, head) for attack in ATTACKS.values()))
    for name, seconds in zip(ATTACKS, lasted, strict=True):
        print(f"{name}: closed after {seconds:.1f} s (allowed {ALLOWED:g})")
    return max(lasted) < ALLOWED


def main(argv: Sequence[str]) -> int:
    """0 when it holds."""
    if argv[:1] == ["--app"]:
        return run_app(_app)
    with (
        tempfile.TemporaryDirectory(prefix="muster-proof-") as folder,
        whole("proof.slow", Path(folder)) as muster,
    ):
        return 0 if asyncio.run(prove(muster.port, muster.head)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
