"""What is measured: a running proxy, and how its process is started and stopped.

A target is started by a context manager that yields a `Target`: where to send requests, with which Cookie, and the processes.
`BENCH_ACCESS=0` turns the access line off on all sides alike; by default all write one, in batches where they can.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 20.0


class NotHere(Exception):
    """A proxy, or what signs people in to it, is not on this machine; says what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running proxy. `pids` are the processes whose trees count; `host` is a Host that the URL does not say."""

    name: str
    url: str
    pids: tuple[int, ...]
    cookie: str | None = None
    host: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {name: value for name, value in (("Cookie", self.cookie), ("Host", self.host)) if value}

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return int(self.url.split("/")[2].rpartition(":")[2])

    def at(self, path: str) -> str:
        """The address of another path."""
        return f"http://127.0.0.1:{self.port}{path}"


Start = Callable[[int, Path], AbstractContextManager[Target]]
"""(port of the upstream, a directory of its own) → the running target; raises NotHere."""


def has_access_line() -> bool:
    """Whether every side writes access lines in this run."""
    return os.environ.get("BENCH_ACCESS", "1") != "0"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(
    command: list[str], port: int, directory: Path, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Starts a command and waits until its port answers; its output goes to a file beside it."""
    with (directory / f"{port}.log").open("wb") as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **(env or {})})
        try:
            _await_port(port, child)
            yield child.pid
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _await_port(port: int, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise RuntimeError(f"{child.args!r} ended with {child.returncode} before it listened")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{child.args!r} did not listen on {port}")


@contextlib.contextmanager
def edge_only(upstream: int, directory: Path) -> Iterator[Target]:
    """Muster's data plane with a gate that has one session cached."""
    port = free_port()
    access = str(directory / "edge.access.log") if has_access_line() else "-"
    command = [sys.executable, "-m", "bench.edge_only", str(port), str(upstream), access]
    with process(command, port, directory) as pid:
        yield Target(
            name="edge", url=f"http://127.0.0.1:{port}/1k", pids=(pid,), cookie="__Host-muster=" + "a" * 43
        )


def is_answering(target: Target) -> bool:
    """Whether one request through a target brings the upstream's answer."""
    with urllib.request.urlopen(
        urllib.request.Request(target.url, headers=target.headers), timeout=10
    ) as answer:
        return bool(answer.status == 200 and len(answer.read()) == 1024)
