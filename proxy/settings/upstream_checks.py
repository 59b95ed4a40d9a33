"""What an upstream's settings contradict: our own listeners, each other, or the kind of its URL. A pure look at `Settings`."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from proxy.settings.addresses import Address, is_loopback
from proxy.settings.document import Loc
from proxy.settings.model import Settings
from proxy.settings.upstream import Upstream, UpstreamTls


def upstreams_of(settings: Settings) -> Iterator[tuple[Loc, Upstream]]:
    """Every upstream, and where it stands."""
    if settings.upstream is not None:
        yield ("upstream",), settings.upstream
    yield from ((("upstreams", index), one) for index, one in enumerate(settings.upstreams))


def upstream_mistakes(settings: Settings) -> Iterator[tuple[Loc, str]]:
    """Where, and a sentence."""
    if settings.upstream is None and not settings.forward_auth.enabled:
        yield (
            ("upstream",),
            "which app does Muster stand in front of? Write its address (url), or enable forward_auth where another proxy asks",
        )
    seen: set[str] = set()
    for index, one in enumerate(settings.upstreams):
        if one.prefix in seen:
            yield ("upstreams", index, "prefix"), f"another upstream has the prefix {one.prefix} already"
        seen.add(one.prefix)
    for loc, upstream in upstreams_of(settings):
        yield from (((*loc, *name), message) for name, message in _tls(upstream))
        yield from _no_loop(settings, loc, upstream)


def _tls(upstream: Upstream) -> Iterator[tuple[Loc, str]]:
    tls = upstream.tls
    if not upstream.url.startswith("https://") and tls != UpstreamTls():
        yield ("tls",), "means nothing to an app that is not on https: leave it out, or write https:// in url"
    if tls.cert_file is not None and tls.key_file is None:
        yield ("tls", "cert_file"), "a certificate is shown with its key: add key_file"
    if tls.key_file is not None and tls.cert_file is None:
        yield ("tls", "key_file"), "a key means nothing without its certificate: add cert_file"


def _no_loop(settings: Settings, loc: Loc, upstream: Upstream) -> Iterator[tuple[Loc, str]]:
    parts = urlsplit(upstream.url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for address in settings.listen:
        if isinstance(address, Address):
            is_local = _takes_loopback(address.host, host)
            is_same = address.port == port != 0 and host != "" and (is_local or address.host == host)
        else:
            is_same = upstream.url == f"unix://{address.path}"
        if is_same:
            yield (
                (*loc, "url"),
                f"this is where Muster itself listens ({address}): the app must be elsewhere",
            )


def _takes_loopback(listening: str, host: str) -> bool:
    """Whether who connects to this loopback host arrives at what listens there."""
    names = host == "localhost" or listening == "localhost"
    return is_loopback(host) and (listening in ("0.0.0.0", "::") or (names and is_loopback(listening)))
