"""`python -m bench.forward_auth`: nginx in front of the app, alone and asking Muster about each request, in turns.

The side that asks is signed in, by the configuration that we ship. CPU is that of nginx, and with Muster where it is asked.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.measure import median, run_wrk
from bench.signed_in import muster
from bench.targets import ROOT, Target, free_port, is_answering, nginx_proxy, nginx_upstream, process

_SITE = ROOT / "config" / "examples" / "forward-auth" / "nginx.conf"
_MAIN = """
daemon off; master_process off; worker_processes 1; pid {here}/front.pid; error_log {here}/front.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log {here}/access.log combined buffer=64k flush=1s; keepalive_requests 100000000;
  client_body_temp_path {here}/b; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f;
  uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
  include {here}/site.conf;
}}
"""
_ASKED = "forward_auth: {enabled: true}\ntrusted_proxies: [127.0.0.1]\n"


@contextlib.contextmanager
def asking(app: int, directory: Path) -> Iterator[Target]:
    """nginx that asks; Muster's own target lends host and cookie."""
    here, port = directory / "asking", free_port()
    here.mkdir()
    with muster(app, here, _ASKED) as asked:
        text = _SITE.read_text("utf-8").replace("listen 80;", f"listen 127.0.0.1:{port};")
        text = text.replace("127.0.0.1:3000", f"127.0.0.1:{app}")
        text = text.replace("http://127.0.0.1:8080", asked.url.removesuffix("/1k"))
        text = text.replace("server 127.0.0.1:8080", f"server {asked.url.split('/')[2]}")
        (here / "site.conf").write_text(text)
        (here / "nginx.conf").write_text(_MAIN.format(here=here))
        command = ["/usr/sbin/nginx", "-e", str(here / "start.log"), "-c", str(here / "nginx.conf")]
        with process(command, port, here) as pid:
            yield replace(
                asked, name="nginx asking", url=f"http://127.0.0.1:{port}/1k", pids=(pid, *asked.pids)
            )


def main() -> int:
    """Medians of the rounds, one line a side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        app = stack.enter_context(nginx_upstream(directory))
        sides = [stack.enter_context(start(app, directory)) for start in (nginx_proxy, asking)]
        assert all(map(is_answering, sides)), "a side does not answer"
        runs = [
            [run_wrk(side, seconds=args.seconds, connections=args.connections) for side in sides]
            for _ in range(args.rounds)
        ]
    for side, own in zip(sides, zip(*runs, strict=True), strict=True):
        found = median(own)
        sys.stdout.write(
            f"{side.name:14} {found.rps:8.0f} requests/s  {found.cpu_us:6.1f} µs CPU a request  p99 {found.p99_ms:.1f} ms\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
