"""nginx in front of the app, asking Muster about each request, by the configuration that we ship; somebody is signed in."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.cores import pinned
from bench.nginx import program
from bench.people import Idp
from bench.signed_in import muster
from bench.targets import ROOT, Target, free_port, process

_SITE: Final = ROOT / "config" / "examples" / "forward-auth" / "nginx.conf"
_MAIN: Final = """
daemon off; master_process off; worker_processes 1; pid {here}/front.pid; error_log {here}/front.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log {here}/access.log combined buffer=64k flush=1s; keepalive_requests 100000000;
  client_body_temp_path {here}/b; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f;
  uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
  include {here}/site.conf;
}}
"""
_ASKED: Final = "forward_auth: {enabled: true}\ntrusted_proxies: [127.0.0.1]\n"


@contextlib.contextmanager
def asking(idp: Idp, app: int, directory: Path) -> Iterator[Target]:
    """nginx that asks; CPU and memory are those of both, and both are on the one core. Muster lends host and cookie."""
    here, port = directory / "asking", free_port()
    here.mkdir()
    with muster(idp, app, here, _ASKED) as asked:
        text = _SITE.read_text("utf-8").replace("listen 80;", f"listen 127.0.0.1:{port};")
        text = text.replace("127.0.0.1:3000", f"127.0.0.1:{app}")
        text = text.replace("127.0.0.1:8080", f"127.0.0.1:{asked.port}")
        (here / "site.conf").write_text(text)
        (here / "nginx.conf").write_text(_MAIN.format(here=here))
        command = [program(), "-e", str(here / "start.log"), "-c", str(here / "nginx.conf")]
        with process(pinned(command), port, here) as pid:
            yield replace(
                asked, name="nginx asking", url=f"http://127.0.0.1:{port}/1k", pids=(pid, *asked.pids)
            )
