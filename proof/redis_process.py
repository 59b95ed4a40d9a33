"""A Redis server for as long as a proof runs, as an operator should run it: append-only, and nothing is ever thrown away."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from proxy.storage.redis.place import Place, Single, Socket

PROGRAMS = ("redis-server", "valkey-server")
STARTS_WITHIN = 20.0


@contextlib.contextmanager
def redis_process(folder: Path) -> Iterator[Place]:
    """Where it listens. Raises RuntimeError when no server is installed, or it does not start."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise RuntimeError(f"none of {', '.join(PROGRAMS)} is installed")
    socket = folder / "redis.socket"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(socket, process)
            yield Place(at=Single(endpoint=Socket(path=str(socket))), timeout=10.0)
        finally:
            process.terminate()


def _wait_for(socket: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the Redis server did not start")
        time.sleep(0.02)
