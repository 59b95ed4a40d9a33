"""Envoy with its oauth2 filter, and somebody signed in: one worker thread."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.cores import pinned
from bench.people import Client, Idp, signed_in
from bench.signed_out import packaged
from bench.targets import Target, free_port, has_access_line, process

HOST: Final = "envoy.localhost"
_SECRET = """resources:
- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: {name}
  generic_secret: {{secret: {{inline_string: "{secret}"}}}}
"""
_LOG = """
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: {directory}/envoy.access.log
"""
_CONFIG = """node: {{id: bench, cluster: bench}}
static_resources:
  listeners:
  - name: people
    address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: people
          upgrade_configs: [{{upgrade_type: websocket}}]
{log}
          route_config:
            virtual_hosts:
            - name: app
              domains: ["*"]
              routes:
              - match: {{prefix: /}}
                route: {{cluster: app, timeout: 0s}}
          http_filters:
          - name: envoy.filters.http.oauth2
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.oauth2.v3.OAuth2
              config:
                token_endpoint: {{cluster: idp, uri: "{issuer}/token", timeout: 5s}}
                authorization_endpoint: "{issuer}/auth"
                redirect_uri: "http://{host}:{port}/callback"
                redirect_path_matcher: {{path: {{exact: /callback}}}}
                signout_path: {{path: {{exact: /signout}}}}
                auth_scopes: [openid, profile, email]
                auth_type: BASIC_AUTH
                forward_bearer_token: true
                credentials:
                  client_id: {client_id}
                  token_secret:
                    name: token
                    sds_config: {{path_config_source: {{path: {directory}/token.yaml}}, resource_api_version: V3}}
                  hmac_secret:
                    name: hmac
                    sds_config: {{path_config_source: {{path: {directory}/hmac.yaml}}, resource_api_version: V3}}
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
{clusters}
"""
_CLUSTER = """  - name: {name}
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: {name}
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}]}}]
"""


def _configure(directory: Path, port: int, upstream: int, client: Client) -> Path:
    for name, secret in (("token", client.secret), ("hmac", "x" * 32)):
        (directory / f"{name}.yaml").write_text(_SECRET.format(name=name, secret=secret))
    ports = (("app", upstream), ("idp", urlsplit(client.issuer).port))
    path = directory / "envoy.yaml"
    path.write_text(
        _CONFIG.format(
            port=port,
            host=HOST,
            issuer=client.issuer,
            client_id=client.client_id,
            directory=directory,
            log=_LOG.format(directory=directory) if has_access_line() else "",
            clusters="".join(_CLUSTER.format(name=name, port=port) for name, port in ports),
        )
    )
    return path


@contextlib.contextmanager
def envoy(idp: Idp, upstream: int, directory: Path) -> Iterator[Target]:
    """The filter as its documentation shows it: the tokens are in cookies, and the app gets the access token."""
    found, port = packaged("envoy"), free_port()
    client = idp.client("envoy", f"http://{HOST}:{port}/callback")
    config = _configure(directory, port, upstream, client)
    command = [found, "-c", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "warning"]
    with process(pinned(command), port, directory) as pid:
        cookie = asyncio.run(signed_in(f"http://{HOST}:{port}/1k"))
        yield Target(
            name="Envoy oauth2",
            url=f"http://127.0.0.1:{port}/1k",
            pids=(pid,),
            cookie=cookie,
            host=f"{HOST}:{port}",
        )
