"""From the operator's upstreams to the edge's rules; their certificates looked at before anything is served."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from proxy.edge.rules import TlsRules, UpstreamRules
from proxy.edge.upstream_tls import UpstreamTls
from proxy.errors import Problem, SettingsError
from proxy.settings.document import dotted
from proxy.settings.model import Settings
from proxy.settings.upstream import UNIX, Upstream
from proxy.settings.upstream_checks import upstreams_of

_PORTS = {"http": 80, "https": 443}


def upstream_rules(upstream: Upstream) -> UpstreamRules:
    """Of one upstream."""
    url = urlsplit(upstream.url)
    is_socket = upstream.url.startswith(UNIX)
    return UpstreamRules(
        host=url.hostname or "",
        port=0 if is_socket else url.port or _PORTS[url.scheme],
        socket_path=upstream.url.removeprefix(UNIX) if is_socket else None,
        tls=_tls_rules(upstream, url.hostname or "") if url.scheme == "https" else None,
        keeps_host=upstream.host == "keep" and upstream.host_header is None,
        host_header=upstream.host_header.encode("ascii") if upstream.host_header else None,
        connections=upstream.connections,
        connect_timeout=upstream.connect_timeout,
        down_for=upstream.down_for,
        first_byte_timeout=upstream.first_byte_timeout,
        idle_timeout=upstream.idle_timeout,
    )


def routes(settings: Settings) -> tuple[tuple[bytes, UpstreamRules], ...]:
    """The upstreams for paths under a prefix."""
    return tuple((one.prefix.encode("ascii"), upstream_rules(one)) for one in settings.upstreams)


def check_upstream_files(settings: Settings) -> None:
    """Raises SettingsError with every certificate and key that cannot be used."""
    problems = tuple(_problems(settings))
    if problems:
        raise SettingsError(problems)


def _problems(settings: Settings) -> Iterator[Problem]:
    for loc, upstream in upstreams_of(settings):
        tls = upstream_rules(upstream).tls
        if tls is None:
            continue
        used = UpstreamTls(tls)
        if used.context() is None:
            path = dotted((*loc, "tls"))
            yield Problem(path=path, line=settings.line_of(path), message=used.fault or "cannot be used")


def _tls_rules(upstream: Upstream, host: str) -> TlsRules:
    tls = upstream.tls
    return TlsRules(
        server_name=tls.server_name or host,
        ca_file=str(tls.ca_file) if tls.ca_file else None,
        certificate_file=str(tls.cert_file) if tls.cert_file else None,
        key_file=str(tls.key_file) if tls.key_file else None,
    )
