"""The listener that sends people from plain HTTP to the public address."""

import socket

from proxy.app import rules
from proxy.edge.listener import Listener
from proxy.edge.plane import Neighbours
from proxy.edge.redirect import Elsewhere, Redirects
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import Telemetry


def redirecting_listener(settings: Settings, telemetry: Telemetry) -> Listener:
    """Under the limits of any other listener; it reaches neither the app nor our own pages."""
    return Listener(
        Neighbours(
            gate=Elsewhere(),
            answers=Redirects(rules.origin_written(settings.public_url)),
            connect_own=_nowhere,
            access=telemetry.access,
            report=telemetry.report,
        ),
        upstream=None,
        fields=rules.field_rules(settings),
        limits=rules.limits(settings),
        trust=rules.trust(settings),
        expects_preamble=settings.proxy_protocol,
    )


async def _nowhere() -> socket.socket:
    raise AssertionError("the redirecting gate lets nobody pass")
