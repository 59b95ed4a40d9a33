"""What the proofs of the front door stand on: `muster serve` as shipped, somebody signed in, and the app in a process of its own.

An app of a proof is a handler for one connection; `run_app` serves it when a module is called with `--app`. It answers
`GET /1k` with 1 KiB: that is how a sign-in is known to have come through.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.people import demo_idp
from bench.signed_in import muster
from proof.memory import peak_mib, resident_mib

ONE_KIB = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + bytes(1024)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One running Muster. `head`: the Host and Cookie lines of whoever is signed in."""

    pid: int
    port: int
    head: bytes

    @property
    def resident(self) -> float:
        """MiB in memory now."""
        return resident_mib(self.pid)

    @property
    def peak(self) -> float:
        """The most MiB so far."""
        return peak_mib(self.pid)


@contextlib.contextmanager
def whole(module: str, folder: Path, more: str = "") -> Iterator[Whole]:
    """Muster before the app of `module`, with its files in `folder`, and `more` settings (YAML) than the demonstration's."""
    folder.mkdir(exist_ok=True)
    with app_process(module) as upstream, demo_idp() as idp, muster(idp, upstream, folder, more) as target:
        (pid,) = target.pids
        port = int(target.url.rsplit(":", 1)[1].split("/")[0])
        lines = (f"{name}: {value}\r\n" for name, value in target.headers.items())
        yield Whole(pid=pid, port=port, head="".join(lines).encode())


@contextlib.contextmanager
def app_process(module: str) -> Iterator[int]:
    """The port of `python -m MODULE --app`, which ends with its standard input."""
    command = [sys.executable, "-m", module, "--app"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None, "a pipe"
        yield int(child.stdout.readline())


def run_app(handler: Handler) -> int:
    """Serves on a port of its own, the first line of standard output, until standard input ends."""
    asyncio.run(_serve(handler))
    return 0


async def _serve(handler: Handler) -> None:
    server = await asyncio.start_server(handler, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
