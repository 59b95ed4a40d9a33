"""N bytes up and down at constant memory: `python -m proof.stream 1GiB`. Exit 1 when the edge grew by more than 32 MiB.

The edge runs in a process of its own, as `bench.edge_only`; app and client are here, and neither holds a body.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.targets import Target, edge_only

ALLOWED_MIB = 32.0
BLOCK = bytes(256 * 1024)
WARM = 64 * 2**20
_SIZES = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def size_of(text: str) -> int:
    """Bytes of `1GiB`, `100MiB` or a plain number. ValueError for anything else."""
    match = re.fullmatch(r"(\d+)(KiB|MiB|GiB)?", text)
    if match is None:
        raise ValueError(f"{text!r} is no size: 1GiB, 100MiB, 4096")
    return int(match[1]) * _SIZES.get(match[2], 1)


def peak_mib(pid: int) -> float:
    """The most resident memory a process has had (proc(5), VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    if match is None:
        raise RuntimeError("this kernel does not tell VmHWM")
    return int(match[1]) / 1024


async def _app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """GET /N gives N bytes; POST counts what it gets and says how many."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.split(b" ", 2)
    if method == b"GET":
        size = int(target[1:])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
        await _pour(writer, size)
    else:
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length is not None, "the client sends a length"
        got = await _drink(reader, int(length[1]))
        body = b"%d" % got
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


async def _pour(writer: asyncio.StreamWriter, size: int) -> None:
    while size > 0:
        part = BLOCK[: min(size, len(BLOCK))]
        writer.write(part)
        await writer.drain()
        size -= len(part)


async def _drink(reader: asyncio.StreamReader, size: int) -> int:
    got = 0
    while got < size and (part := await reader.read(len(BLOCK))):
        got += len(part)
    return got


async def _exchange(
    target: Target, port: int, head: bytes, upload: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    cookie = (target.cookie or "").encode()
    writer.write(head + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: " + cookie)
    writer.write(b"\r\nContent-Length: %d\r\n\r\n" % upload if upload else b"\r\n\r\n")
    await _pour(writer, upload)
    answer = await reader.readuntil(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(answer.decode("latin-1"))
    return reader, writer


async def down(target: Target, port: int, size: int) -> int:
    """How many bytes of a download arrived."""
    reader, writer = await _exchange(target, port, b"GET /%d" % size, 0)
    got = await _drink(reader, size)
    writer.close()
    return got


async def up(target: Target, port: int, size: int) -> int:
    """How many bytes of an upload the app counted."""
    reader, writer = await _exchange(target, port, b"POST /", size)
    got = int(await reader.read())
    writer.close()
    return got


async def prove(size: int, directory: Path) -> bool:
    """Whether both directions were whole, and the edge stayed small."""
    app = await asyncio.start_server(_app, "127.0.0.1", 0)
    async with app:
        with edge_only(app.sockets[0].getsockname()[1], directory) as target:
            port = int(target.url.rsplit(":", 1)[1].split("/")[0])
            return await _measured(target, port, size)


async def _measured(target: Target, port: int, size: int) -> bool:
    (pid,) = target.pids
    await down(target, port, WARM)
    await up(target, port, WARM)
    before = peak_mib(pid)
    loop = asyncio.get_running_loop()
    is_whole = True
    for name, move in (("down", down), ("up", up)):
        started = loop.time()
        got = await move(target, port, size)
        is_whole = is_whole and got == size
        print(f"{name}: {got} of {size} bytes in {loop.time() - started:.1f} s, peak {peak_mib(pid):.1f} MiB")
    growth = peak_mib(pid) - before
    print(f"growth: {growth:.1f} MiB (allowed {ALLOWED_MIB:g})")
    return is_whole and growth <= ALLOWED_MIB


def main(argv: Sequence[str]) -> int:
    """0 when it holds."""
    size = size_of(argv[0] if argv else "1GiB")
    with tempfile.TemporaryDirectory(prefix="muster-proof-") as directory:
        return 0 if asyncio.run(prove(size, Path(directory))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
