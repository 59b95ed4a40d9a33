"""Real proxies that ask Muster about each request, with the configurations of `config/examples/forward-auth` as they stand.

Only addresses, ports and the host are put in. Each runs in a folder of the test, on a port that was free.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.partners.environments import Missing
from tests.partners.prepare_proxies import ENVIRONMENT, program

EXAMPLES = Path(__file__).parents[2] / "config" / "examples" / "forward-auth"
_NGINX = """user root; daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Ports on this machine: where people come in, Muster, the app. `host` is what people type."""

    people: int
    muster: int
    app: int
    host: str


Command = Sequence[str]


def nginx(folder: Path, places: Places) -> Command:
    text = _placed("nginx.conf", places).replace("listen 80;", f"listen 127.0.0.1:{places.people};")
    return _nginx(folder, text)


def nginx_in_front(folder: Path, places: Places) -> Command:
    """The example ends TLS, the tests' browser comes without. `app` is not used: Muster knows it."""
    lines = (EXAMPLES.parent / "in-front" / "nginx.conf").read_text("utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if "ssl_certificate" not in line)
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{places.people};")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{places.muster}").replace(
        "app.example.com", places.host
    )
    return _nginx(folder, text)


def _nginx(folder: Path, text: str) -> Command:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        raise Missing("nginx is not there: run tests/partners/prepare.sh")
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder))
    return [found, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


def caddy(folder: Path, places: Places) -> Command:
    found = program(ENVIRONMENT.ready(), "caddy")
    text = _placed("Caddyfile", places).replace(":80 {", f":{places.people} {{\n\tbind 127.0.0.1")
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tstorage file_system {folder}\n}}\n{text}")
    return [str(found), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def envoy(folder: Path, places: Places) -> Command:
    found = program(ENVIRONMENT.ready(), "envoy")
    text = _placed("envoy.yaml", places).replace(
        "address: 0.0.0.0, port_value: 80}", f"address: 127.0.0.1, port_value: {places.people}}}"
    )
    (folder / "envoy.yaml").write_text(text)
    return [
        str(found), "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "--disable-hot-restart", "-l", "warning",
    ]  # fmt: skip


_TRAEFIK = """global: {{checkNewVersion: false, sendAnonymousUsage: false}}
entryPoints: {{web: {{address: "127.0.0.1:{people}"}}}}
providers: {{file: {{filename: {folder}/dynamic.yaml, watch: false}}}}
log: {{level: ERROR}}
"""


def traefik(folder: Path, places: Places) -> Command:
    """The example ends TLS, the tests' browser comes without."""
    found = program(ENVIRONMENT.ready(), "traefik")
    text = _placed("traefik.yaml", places).replace("[websecure]", "[web]").replace("      tls: {}\n", "")
    (folder / "dynamic.yaml").write_text(text)
    (folder / "traefik.yaml").write_text(_TRAEFIK.format(people=places.people, folder=folder))
    return [str(found), f"--configFile={folder}/traefik.yaml"]


FRONTS: dict[str, Callable[[Path, Places], Command]] = {
    "nginx": nginx,
    "caddy": caddy,
    "envoy": envoy,
    "traefik": traefik,
}


def command_of(front: str, folder: Path, places: Places) -> Command:
    """How this proxy is started; skips the test with what is missing (which CI=true does not take for a passed one)."""
    try:
        return FRONTS[front](folder, places)
    except Missing as error:
        pytest.skip(f"missing: {error}")


def _placed(name: str, places: Places) -> str:
    text = (EXAMPLES / name).read_text("utf-8").replace("app.example.com", places.host)
    for usual, port in ((8080, places.muster), (3000, places.app)):
        text = text.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{port}")
        text = text.replace(
            f"address: 127.0.0.1, port_value: {usual}", f"address: 127.0.0.1, port_value: {port}"
        )
    return text
