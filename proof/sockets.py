"""WebSockets and event streams by the thousand: `python -m proof.sockets [9000]`. Exit 1 when one fails or costs too much.

The edge runs in a process of its own, as `bench.edge_only`, the app in another; the clients are here. One edge serves first idle
connections, then WebSockets, then event streams; each kind leaves before the next comes. Resident memory is printed.
"""

import asyncio
import base64
import hashlib
import re
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.targets import Target, edge_only

GOALS = {"idle connections": 250.0, "WebSockets": 500.0, "event streams": 500.0}
IDLE_GOAL = 90.0
AT_ONCE = 100
SPARE = 200
FRAME = b"\x81\x85abcd" + bytes(a ^ b for a, b in zip(b"hello", b"abcda", strict=True))
ECHO = b"\x81\x05hello"
EVENT = b"data: hello\n\n"
KEY = base64.b64encode(b"0123456789abcdef")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class App(asyncio.Protocol):
    """Agrees to a handshake and echoes one frame; answers anything else with a stream of one event that never ends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a socket's transport is whole
        self._is_open = False

    def data_received(self, data: bytes) -> None:
        if self._is_open:
            self._transport.write(ECHO)
            return
        key = re.search(rb"(?i)\r\nsec-websocket-key: *([^\r]+)", data)
        if key is None:
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
            self._transport.write(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(EVENT), EVENT))
            return
        self._is_open = True
        proof = base64.b64encode(hashlib.sha1(key[1] + _GUID, usedforsecurity=False).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        )
        self._transport.write(b"Sec-WebSocket-Accept: %b\r\n\r\n" % proof)


async def serve_app() -> None:
    """Until standard input ends; the port is the first line of standard output."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(App, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@asynccontextmanager
async def app_process() -> AsyncIterator[int]:
    """The app's port."""
    command = [sys.executable, "-m", "proof.sockets", "--app"]
    child = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None, "a pipe"
    assert child.stdout is not None, "a pipe"
    try:
        yield int(await child.stdout.readline())
    finally:
        child.stdin.close()
        await child.wait()


def resident_mib(pid: int) -> float:
    """What a process holds in memory now (proc(5), VmRSS)."""
    match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) / 1024 if match else 0.0


class Kind:
    """What one client says, and what it must hear, step by step."""

    def __init__(self, *steps: tuple[bytes, bytes]) -> None:
        self.steps = steps


def kinds(cookie: bytes) -> dict[str, Kind]:
    """The three of them."""
    head = b"Host: a\r\nCookie: " + cookie + b"\r\n"
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    return {
        "idle connections": Kind((b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", b"not_signed_in")),
        "WebSockets": Kind(
            (b"GET /ws HTTP/1.1\r\n" + head + upgrade + KEY + b"\r\n\r\n", b"\r\n\r\n"), (FRAME, ECHO)
        ),
        "event streams": Kind((b"GET /events HTTP/1.1\r\n" + head + b"\r\n", EVENT)),
    }


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


async def _held(target: Target, name: str, kind: Kind, count: int) -> bool:
    """Opens them all, holds them, says what they cost, and lets them go."""
    port = int(target.url.rsplit(":", 1)[1].split("/")[0])
    (pid,) = target.pids
    gate = asyncio.Semaphore(AT_ONCE)
    before = resident_mib(pid)
    opening = (_opened(port, kind, gate) for _ in range(count))
    opened = await asyncio.gather(*opening, return_exceptions=True)
    own = [one for one in opened if isinstance(one, socket.socket)]
    await asyncio.sleep(2)
    after = resident_mib(pid)
    for one in own:
        one.close()
    await asyncio.sleep(3)
    each = (after - before) * 1024 / max(1, len(own))
    print(f"{name}: {len(own)} of {count} open, {after:.0f} MiB (goal {GOALS[name]:g}), {each:.1f} KiB each")
    return len(own) == count and after <= GOALS[name]


async def prove(count: int, directory: Path) -> bool:
    """Whether all of them were served, within the goals."""
    async with app_process() as upstream:
        with edge_only(upstream, directory) as target:
            idle = resident_mib(target.pids[0])
            print(f"idle: {idle:.0f} MiB (goal {IDLE_GOAL:g}; the data plane alone)")
            held = [
                await _held(target, name, kind, count)
                for name, kind in kinds((target.cookie or "").encode()).items()
            ]
    return idle <= IDLE_GOAL and all(held)


def main(argv: Sequence[str]) -> int:
    """0 when it holds."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if argv[:1] == ["--app"]:
        asyncio.run(serve_app())
        return 0
    count = int(argv[0]) if argv else 9000
    if hard != resource.RLIM_INFINITY and 2 * count + SPARE > hard:
        print(
            f"proof: {count} need {2 * count + SPARE} open files, and this machine allows {hard}",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory(prefix="muster-proof-") as directory:
        return 0 if asyncio.run(prove(count, Path(directory))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
