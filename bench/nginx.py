"""nginx twice: the app everybody forwards to, and the plain proxy that the others are compared with."""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.cores import pinned
from bench.targets import NotHere, Target, free_port, has_access_line, process

_MAIN = """
daemon off; master_process off; worker_processes 1; pid {directory}/{port}.pid; error_log {directory}/{port}.error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log {access}; keepalive_requests 100000000; keepalive_timeout 600s; sendfile on; tcp_nodelay on;
  client_max_body_size 0;
  client_body_temp_path {directory}/b{port}; proxy_temp_path {directory}/p{port}; fastcgi_temp_path {directory}/f{port};
  uwsgi_temp_path {directory}/u{port}; scgi_temp_path {directory}/s{port};
  {more}
  server {{ listen 127.0.0.1:{port} backlog=4096; {server} }}
}}
"""
_APP = """
root {directory}/files; default_type text/plain;
location /fresh/ {{ alias {directory}/files/; add_header X-Request-Id $request_id; }}
location /post {{ return 200 "{answer}"; }}
location /ws {{ proxy_pass http://127.0.0.1:{beside}; {upgrade} }}
location /up {{
  proxy_pass http://127.0.0.1:{beside}; proxy_http_version 1.1; proxy_request_buffering off; client_body_buffer_size 256k;
}}
"""
_UPGRADE = (
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection Upgrade;"
)
_PROXY = f"""
location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }}
location /ws {{ proxy_pass http://app; {_UPGRADE} }}
location /up {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off; }}
location /big {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_max_temp_file_size 0; }}
"""


def program() -> str:
    """nginx's binary; raises NotHere."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        raise NotHere("nginx is not installed (apt-get install nginx-light)")
    return found


def _command(port: int, directory: Path, *, more: str, server: str, access: str) -> list[str]:
    path = directory / f"{port}.conf"
    path.write_text(_MAIN.format(directory=directory, port=port, more=more, server=server, access=access))
    return [program(), "-e", str(directory / f"{port}.start.log"), "-c", str(path)]


def _files(directory: Path, big: int) -> None:
    folder = directory / "files"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    for name, size in (("1k", 1024), ("64k", 65536)):
        (folder / name).write_bytes(b"x" * size)
    with (folder / "big").open("wb") as file:
        file.truncate(big)


@contextlib.contextmanager
def nginx_upstream(directory: Path, *, big: int = 0) -> Iterator[int]:
    """The app everybody forwards to: files of 1 KiB, 64 KiB and `big` bytes, and behind it what nginx is no app for
    (`bench.app`): an echo of WebSocket frames, and a drain for uploads. Yields its port."""
    port, beside = free_port(), free_port()
    _files(directory, big)
    app = _APP.format(directory=directory, answer="x" * 1024, beside=beside, upgrade=_UPGRADE)
    command = _command(port, directory, more="open_file_cache max=10;", server=app, access="off")
    echo = [sys.executable, "-m", "bench.app", str(beside)]
    with process(echo, beside, directory), process(command, port, directory):
        yield port


@contextlib.contextmanager
def nginx_proxy(upstream: int, directory: Path) -> Iterator[Target]:
    """`proxy_pass` with keep-alive to the upstream; no sign-in. Bodies are streamed, as they are by the others."""
    port = free_port()
    more = f"upstream app {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}"
    access = f"{directory}/nginx.access.log combined buffer=64k flush=1s" if has_access_line() else "off"
    command = _command(port, directory, more=more, server=_PROXY, access=access)
    with process(pinned(command), port, directory) as pid:
        yield Target(name="nginx", url=f"http://127.0.0.1:{port}/1k", pids=(pid,))
