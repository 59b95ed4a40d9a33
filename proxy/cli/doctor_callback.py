"""The doctor at an IdP's callback: what must be registered there, and whether its answers can be told from another IdP's."""

from proxy.app.choosing import callback_path, has_own_callback
from proxy.cli.doctor_finding import Finding, failed, ok, warning
from proxy.oidc.metadata import Metadata
from proxy.settings.idp import Idp
from proxy.settings.model import Settings


def examine_callback(settings: Settings, idp: Idp, metadata: Metadata | None) -> Finding:
    """The redirect URI to register. It is not tried: how an IdP refuses one that it does not know is its own affair."""
    check, url = f"idp {idp.id}: callback", settings.public_url + callback_path(settings, idp)
    if has_own_callback(settings, idp) or len(settings.idps) == 1:
        return ok(check, f"register {url} as redirect URI")
    if metadata is None:
        return warning(
            check, f"not told whether it sends `iss`; it shares {url} with other IdPs", "see discovery"
        )
    if metadata.is_issuer_in_answers:
        return ok(check, f"register {url} as redirect URI; its answers name it (iss)")
    advice = f"leave callback out, and register {url}/{idp.id}"
    return failed(check, "it shares the callback with other IdPs and does not send `iss`: not used", advice)
