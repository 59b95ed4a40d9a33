"""N bytes up and down at constant memory: `python -m proof.stream 1GiB`. Exit 1 when Muster grew by more than 16 MiB.

It is a `muster serve` as shipped, with somebody signed in (`proof.whole`); the client is here, the app is a process of its own,
and neither holds a body. First goes a little of the same both ways: buffers that every process has once are no growth.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from proof.whole import ONE_KIB, Whole, run_app, whole

ALLOWED_MIB = 16.0
BLOCK = bytes(256 * 1024)
WARM = 64 * 2**20
_SIZES = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def size_of(text: str) -> int:
    """Bytes of `1GiB`, `100MiB` or a plain number. ValueError for anything else."""
    match = re.fullmatch(r"(\d+)(KiB|MiB|GiB)?", text)
    if match is None:
        raise ValueError(f"{text!r} is no size: 1GiB, 100MiB, 4096")
    return int(match[1]) * _SIZES.get(match[2], 1)


async def _app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """GET /down/N gives N bytes; POST counts what it gets and says how many; anything else is 1 KiB."""
    head = await reader.readuntil(b"\r\n\r\n")
    if length := re.search(rb"(?i)\r\ncontent-length: (\d+)", head):
        body = b"%d" % await _drink(reader, int(length[1]))
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)
        )
    elif asked := re.match(rb"GET /down/(\d+) ", head):
        size = int(asked[1])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
        await _pour(writer, size)
    else:
        writer.write(ONE_KIB.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
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
    muster: Whole, line: bytes, upload: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", muster.port)
    writer.write(line + b" HTTP/1.1\r\nConnection: close\r\n" + muster.head)
    writer.write(b"Content-Length: %d\r\n\r\n" % upload if upload else b"\r\n")
    await _pour(writer, upload)
    answer = await reader.readuntil(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(answer.decode("latin-1"))
    return reader, writer


async def down(muster: Whole, size: int) -> int:
    """How many bytes of a download arrived."""
    reader, writer = await _exchange(muster, b"GET /down/%d" % size, 0)
    got = await _drink(reader, size)
    writer.close()
    return got


async def up(muster: Whole, size: int) -> int:
    """How many bytes of an upload the app counted."""
    reader, writer = await _exchange(muster, b"POST /", size)
    got = int(await reader.read())
    writer.close()
    return got


async def prove(muster: Whole, size: int) -> bool:
    """Whether both directions were whole, and Muster stayed small."""
    await down(muster, WARM)
    await up(muster, WARM)
    before = muster.resident
    loop = asyncio.get_running_loop()
    is_whole = True
    for name, move in (("down", down), ("up", up)):
        started = loop.time()
        got = await move(muster, size)
        is_whole = is_whole and got == size
        print(f"{name}: {got} of {size} bytes in {loop.time() - started:.1f} s, peak {muster.peak:.1f} MiB")
    growth = max(0.0, muster.peak - before)
    print(f"growth: {growth:.1f} MiB (allowed {ALLOWED_MIB:g})")
    return is_whole and growth <= ALLOWED_MIB


def main(argv: Sequence[str]) -> int:
    """0 when it holds."""
    if argv[:1] == ["--app"]:
        return run_app(_app)
    size = size_of(argv[0] if argv else "1GiB")
    with (
        tempfile.TemporaryDirectory(prefix="muster-proof-") as folder,
        whole("proof.stream", Path(folder)) as muster,
    ):
        return 0 if asyncio.run(prove(muster, size)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
