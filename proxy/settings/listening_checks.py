"""Contradictions among the settings about listening. A pure look at `Settings`."""

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias
from urllib.parse import urlsplit

from proxy.settings.addresses import Address
from proxy.settings.document import Loc
from proxy.settings.model import Settings

Found: TypeAlias = Iterator[tuple[Loc, str]]


def listening_mistakes(settings: Settings) -> Found:
    """Addresses that meet each other, and what does not go together on one listener."""
    yield from _twice(settings)
    yield from _tls(settings)
    if settings.redirect_http is not None and not settings.public_url.startswith("https:"):
        yield ("redirect_http",), "where to? people are sent to public_url, and that is not https"


def ops_addresses(settings: Settings) -> tuple[Address, ...]:
    """Where each worker shows its health and metrics: `ops_listen`, and the ports after it."""
    first = settings.ops_listen
    if first is None:
        return ()
    step = 1 if first.port else 0
    return tuple(
        Address(host=first.host, port=first.port + step * number) for number in range(settings.workers)
    )


def _twice(settings: Settings) -> Found:
    public = [str(door) for door in settings.listen if not (isinstance(door, Address) and door.port == 0)]
    for door, count in Counter(public).items():
        if count > 1:
            yield ("listen",), f"{door} stands here twice"
    for address in ops_addresses(settings):
        if address.port > 65535:
            yield ("ops_listen",), f"{settings.workers} workers need as many ports from here on"
            break
        if str(address) in public:
            yield ("ops_listen",), "people's requests are listened for on this address already (see listen)"
    if settings.redirect_http is not None and settings.redirect_http.port:
        if str(settings.redirect_http) in public:
            yield (
                ("redirect_http",),
                "people's requests are listened for on this address already (see listen)",
            )
        if settings.redirect_http in ops_addresses(settings):
            yield ("redirect_http",), "health and metrics are served on this address already (see ops_listen)"


def _tls(settings: Settings) -> Found:
    if settings.tls is None:
        return
    if urlsplit(settings.public_url).scheme == "http":
        yield ("tls",), "with TLS here public_url begins with https://"
    if settings.proxy_protocol:
        yield (
            ("proxy_protocol",),
            "the PROXY protocol's header comes before TLS, and one listener cannot take both: let the load balancer end TLS, "
            "or pass TLS through without the header",
        )
    if not any(isinstance(door, Address) for door in settings.listen):
        yield ("tls",), "Unix sockets stay plain: list a host:port in listen, or leave this out"
