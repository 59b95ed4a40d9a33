"""Apache with mod_auth_openidc, and somebody signed in: the event MPM, one process, held to one core.

It has a thread for every connection of the widest scenario: where none is free, it closes kept-alive connections.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.cores import pinned
from bench.people import Client, Idp, signed_in
from bench.targets import NotHere, Target, free_port, has_access_line, process

HOST: Final = "apache.localhost"
_MODULES: Final = Path("/usr/lib/apache2/modules")
_LOADED: Final = (
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_user",
    "auth_openidc",
    "proxy",
    "proxy_http",
)
_CONFIG = """
ServerRoot {directory}
ServerName {host}
PidFile {directory}/apache.pid
ErrorLog {directory}/apache.error.log
LogLevel error
Listen 127.0.0.1:{port}
ListenBacklog 4096
{modules}
{user}
StartServers 1
ServerLimit 1
ThreadLimit 512
ThreadsPerChild 512
MaxRequestWorkers 512
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
{log}
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {secret}
OIDCRedirectURI http://{host}:{port}/callback
OIDCCryptoPassphrase {passphrase}
OIDCScope "openid profile email"
OIDCPKCEMethod S256
<Location />
  AuthType openid-connect
  Require valid-user
</Location>
ProxyPass /callback !
ProxyPass / http://127.0.0.1:{upstream}/ upgrade=websocket
"""
_LOG = """
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog {directory}/apache.access.log combined
BufferedLogs On
"""


def _program() -> str:
    found = shutil.which("apache2") or shutil.which("apache2", path="/usr/sbin")
    if found is None or not (_MODULES / "mod_auth_openidc.so").exists():
        raise NotHere(
            "Apache with mod_auth_openidc is not installed (apt-get install apache2 libapache2-mod-auth-openidc)"
        )
    return found


def _configure(directory: Path, port: int, upstream: int, client: Client) -> Path:
    path = directory / "apache.conf"
    modules = "\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in _LOADED)
    path.write_text(
        _CONFIG.format(
            directory=directory,
            host=HOST,
            port=port,
            upstream=upstream,
            modules=modules,
            user="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
            log=_LOG.format(directory=directory) if has_access_line() else "",
            issuer=client.issuer,
            client_id=client.client_id,
            secret=client.secret,
            passphrase=secrets.token_urlsafe(24),
        )
    )
    return path


@contextlib.contextmanager
def mod_auth_openidc(idp: Idp, upstream: int, directory: Path) -> Iterator[Target]:
    """As its documentation shows it: the session in shared memory, the claims in headers to the app."""
    found, port = _program(), free_port()
    client = idp.client("apache", f"http://{HOST}:{port}/callback")
    config = _configure(directory, port, upstream, client)
    with process(pinned([found, "-DFOREGROUND", "-f", str(config)]), port, directory) as pid:
        cookie = asyncio.run(signed_in(f"http://{HOST}:{port}/1k"))
        yield Target(
            name="mod_auth_openidc",
            url=f"http://127.0.0.1:{port}/1k",
            pids=(pid,),
            cookie=cookie,
            host=f"{HOST}:{port}",
        )
