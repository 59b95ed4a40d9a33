"""What is measured: nginx, a plain aiohttp proxy and Muster, one process each, in front of one nginx upstream.

A target is started by a context manager that yields a `Target`: where to send requests, with which Cookie, and the processes.
`BENCH_ACCESS=0` turns the access line off on all sides alike; by default all write one, in batches where they can.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running proxy. `pids` are the processes whose CPU and memory count; `host` is a Host that the URL does not say."""

    name: str
    url: str
    pids: tuple[int, ...]
    cookie: str | None = None
    host: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {name: value for name, value in (("Cookie", self.cookie), ("Host", self.host)) if value}


Start = Callable[[int, Path], AbstractContextManager[Target]]
"""(port of the upstream, a directory of its own) → the running target."""


def has_access_line() -> bool:
    """Whether every side writes access lines in this run."""
    return os.environ.get("BENCH_ACCESS", "1") != "0"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(command: list[str], port: int, directory: Path) -> Iterator[int]:
    """Starts a command and waits until its port answers; its output goes to a file beside it."""
    with (directory / f"{port}.log").open("wb") as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
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


_NGINX = """
daemon off; master_process off; worker_processes 1; pid {directory}/{port}.pid; error_log {directory}/{port}.error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log {access}; keepalive_requests 100000000; keepalive_timeout 600s; sendfile on; tcp_nodelay on;
  client_body_temp_path {directory}/b{port}; proxy_temp_path {directory}/p{port}; fastcgi_temp_path {directory}/f{port};
  uwsgi_temp_path {directory}/u{port}; scgi_temp_path {directory}/s{port};
  {more}
  server {{ listen 127.0.0.1:{port} backlog=2048; {server} }}
}}
"""


_FRESH = "alias {directory}/files/; add_header X-Request-Id $request_id;"


def _nginx(port: int, directory: Path, *, more: str, server: str, access: str) -> list[str]:
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    path = directory / f"{port}.conf"
    path.write_text(_NGINX.format(directory=directory, port=port, more=more, server=server, access=access))
    return [binary, "-e", str(directory / f"{port}.start.log"), "-c", str(path)]


@contextlib.contextmanager
def nginx_upstream(directory: Path) -> Iterator[int]:
    """The app everybody forwards to: 1 KiB, keep-alive for ever. Yields its port."""
    port = free_port()
    (directory / "files").mkdir(exist_ok=True)
    (directory / "files" / "1k").write_bytes(b"x" * 1024)
    (directory / "files" / "64k").write_bytes(b"x" * 65536)
    server = f"root {directory}/files; default_type text/plain; location /fresh/ {{ {_FRESH.format(directory=directory)} }}"
    command = _nginx(port, directory, more="open_file_cache max=10;", server=server, access="off")
    with process(command, port, directory):
        yield port


@contextlib.contextmanager
def nginx_proxy(upstream: int, directory: Path) -> Iterator[Target]:
    """`proxy_pass` with keep-alive to the upstream; no sign-in."""
    port = free_port()
    more = f"upstream app {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}"
    server = 'location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }'
    access = f"{directory}/nginx.access.log combined buffer=64k flush=1s" if has_access_line() else "off"
    with process(_nginx(port, directory, more=more, server=server, access=access), port, directory) as pid:
        yield Target(name="nginx", url=f"http://127.0.0.1:{port}/1k", pids=(pid,))


def _python(name: str, module: str) -> Start:
    @contextlib.contextmanager
    def start(upstream: int, directory: Path) -> Iterator[Target]:
        port = free_port()
        access = str(directory / f"{name}.access.log") if has_access_line() else "-"
        command = [sys.executable, "-m", module, str(port), str(upstream), access]
        with process(command, port, directory) as pid:
            yield Target(
                name=name, url=f"http://127.0.0.1:{port}/1k", pids=(pid,), cookie="__Host-muster=" + "a" * 43
            )

    return start


plain_aiohttp = _python("aiohttp", "bench.plain_proxy")
"""The usual way in Python; no sign-in."""

edge_only = _python("edge", "bench.edge_only")
"""Muster's data plane with a gate that has one session cached."""


def is_answering(target: Target) -> bool:
    """Whether one request through a target brings the upstream's answer."""
    with urllib.request.urlopen(
        urllib.request.Request(target.url, headers=target.headers), timeout=10
    ) as answer:
        return bool(answer.status == 200 and len(answer.read()) == 1024)
