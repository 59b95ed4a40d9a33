"""The signed assertion, as the settings want it; None where they do not."""

from proxy.app.effective import Effective
from proxy.app.rooms import teller
from proxy.gate.asserting import Assertions
from proxy.gate.assertion import AssertionRules
from proxy.session.codec import KeyRing
from proxy.settings.model import Settings


def assertion_rules(settings: Settings) -> AssertionRules:
    """The app is named by the address that people type, unless the operator says otherwise."""
    issuer, wanted = settings.public_url.rstrip("/"), settings.assertion
    return AssertionRules(
        header=wanted.header, issuer=issuer, audience=wanted.audience or issuer, life=wanted.lifetime
    )


def open_assertions(settings: Settings, ring: KeyRing, effective: Effective) -> Assertions | None:
    """What signs and publishes; it follows the ring and what operators rule."""
    if not settings.assertion.enabled:
        return None
    return Assertions(ring, assertion_rules(settings), teller(settings, effective))
