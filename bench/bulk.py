"""One large body, down or up, over one connection; neither side of the generator holds it."""

import os
import tempfile
import time
from typing import Final

from bench.figures import Load, load_of
from bench.wire import Failed, Place, read_head, whole_length

BLOCK: Final = 256 * 1024
STALL_SECONDS: Final = 60.0


def down(place: Place, size: int) -> Load:
    """A download of so many bytes. Failed when others came."""
    with place.connect() as own:
        own.settimeout(STALL_SECONDS)
        started = time.perf_counter()
        own.sendall(place.head("GET", "/big"))
        head, rest = read_head(own)
        wanted = (whole_length(head + b"\r\n\r\n") or 0) - len(head) - 4
        if wanted != size:
            raise Failed(f"{wanted} bytes instead of {size}")
        got, block = len(rest), bytearray(BLOCK)
        while got < size and (part := own.recv_into(block)):
            got += part
        if got != size:
            raise Failed(f"{got} bytes instead of {size}")
    return _whole(started, size)


def up(place: Place, size: int) -> Load:
    """An upload of so many zeros. Failed when it was not drained."""
    with place.connect() as own, tempfile.TemporaryFile() as zeros:
        zeros.truncate(size)
        own.settimeout(STALL_SECONDS)
        started = time.perf_counter()
        length = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        own.sendall(place.head("POST", "/up", length))
        if own.sendfile(zeros, 0, size) != size:
            raise Failed("the body was not taken whole")
        head, rest = read_head(own)
        if not head.startswith(b"HTTP/1.1 200 ") or (
            b"drained" not in rest and b"drained" not in own.recv(BLOCK)
        ):
            raise Failed(f"{head.decode('latin-1')}{os.linesep}{rest!r}")
    return _whole(started, size)


def _whole(started: float, size: int) -> Load:
    spent = time.perf_counter() - started
    return load_of([spent], spent, size)
