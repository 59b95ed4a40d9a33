"""Settings that are written and do nothing, or lead back to Muster: warnings, from a look at `Settings`."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from proxy.settings.addresses import everybody
from proxy.settings.assertion import Assertion
from proxy.settings.document import Loc
from proxy.settings.model import Settings
from proxy.settings.upstream_checks import upstreams_of


def idle_doubts(settings: Settings) -> Iterator[tuple[Loc, str]]:
    """Where, and a sentence."""
    if settings.trust_every_proxy and not everybody(settings.trusted_proxies):
        yield ("trust_every_proxy",), "trusted_proxies does not hold everybody: this changes nothing"
    if not settings.assertion.enabled and settings.assertion != Assertion():
        yield ("assertion",), "no assertion is sent: write enabled: true"
    if settings.websockets.origins and not settings.websockets.enabled:
        yield ("websockets", "origins"), "WebSockets are off: nobody may open one"
    yield from _back_to_us(settings)


def _back_to_us(settings: Settings) -> Iterator[tuple[Loc, str]]:
    """Only a name service could tell for sure: from here the public name may lead elsewhere."""
    public = _place(settings.public_url)
    for loc, upstream in upstreams_of(settings):
        if _place(upstream.url) == public:
            why = "people reach Muster by this address: write the app's own, or requests go round in circles"
            yield (*loc, "url"), why


def _place(url: str) -> tuple[str | None, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
