"""Proxies that sign nobody in: HAProxy, Caddy, and twenty lines of aiohttp. Each writes an access line and uses one core."""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.cores import pinned
from bench.targets import NotHere, Target, free_port, has_access_line, process
from tests.partners.environments import Missing
from tests.partners.prepare_proxies import ENVIRONMENT
from tests.partners.prepare_proxies import program as program_in

_HAPROXY = """
global
  nbthread 1
  maxconn 8192
  {log}
defaults
  mode http
  {logged}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
  http-reuse always
frontend people
  bind 127.0.0.1:{port} backlog 4096
  default_backend app
backend app
  server app 127.0.0.1:{upstream}
"""
_CADDY = """{{
  admin off
  auto_https off
  storage file_system {directory}/caddy
  log {{
    output file {directory}/caddy.log
    level ERROR
  }}
}}
http://:{port} {{
  bind 127.0.0.1
  {log}
  reverse_proxy 127.0.0.1:{upstream} {{
    transport http {{
      keepalive_idle_conns_per_host 512
    }}
  }}
}}
"""


def packaged(name: str) -> str:
    """A program out of the packages that `tests/partners/prepare.sh` brings (Caddy, Envoy); raises NotHere."""
    try:
        return str(program_in(ENVIRONMENT.ready(), name))
    except Missing as error:
        raise NotHere(f"{name} is not installed: {error}") from None


@contextlib.contextmanager
def haproxy(upstream: int, directory: Path) -> Iterator[Target]:
    """One thread; its lines go to its standard output, one by one, since it writes no files."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if found is None:
        raise NotHere("HAProxy is not installed (apt-get install haproxy)")
    port, path = free_port(), directory / "haproxy.cfg"
    log, logged = ("log stdout format raw local0", "log global\n  option httplog")
    if not has_access_line():
        log = logged = ""
    path.write_text(_HAPROXY.format(port=port, upstream=upstream, log=log, logged=logged))
    with process(pinned([found, "-db", "-f", str(path)]), port, directory) as pid:
        yield Target(name="HAProxy", url=f"http://127.0.0.1:{port}/1k", pids=(pid,))


@contextlib.contextmanager
def caddy(upstream: int, directory: Path) -> Iterator[Target]:
    """Go's threads for one core."""
    port, path = free_port(), directory / "Caddyfile"
    log = f"log {{\n    output file {directory}/caddy.access.log\n  }}" if has_access_line() else ""
    path.write_text(_CADDY.format(port=port, upstream=upstream, log=log, directory=directory))
    command = [packaged("caddy"), "run", "--config", str(path), "--adapter", "caddyfile"]
    with process(pinned(command), port, directory, {"GOMAXPROCS": "1"}) as pid:
        yield Target(name="Caddy", url=f"http://127.0.0.1:{port}/1k", pids=(pid,))


@contextlib.contextmanager
def plain_aiohttp(upstream: int, directory: Path) -> Iterator[Target]:
    """The usual way in Python."""
    port = free_port()
    access = str(directory / "aiohttp.access.log") if has_access_line() else "-"
    command = [sys.executable, "-m", "bench.plain_proxy", str(port), str(upstream), access]
    with process(pinned(command), port, directory) as pid:
        yield Target(name="aiohttp", url=f"http://127.0.0.1:{port}/1k", pids=(pid,))
