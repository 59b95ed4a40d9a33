"""The doctor on the certificate of `tls`: whether the files can be used, and for whom and how long."""

from proxy.app.certificates import certificate_doubts, listener_tls
from proxy.cli.doctor_finding import Findings, failed, ok, warning
from proxy.errors import SettingsError
from proxy.settings.model import Settings

_CHECK = "listener: certificate"


def examine_listener(settings: Settings) -> Findings:
    """Of the files as they are now: a server that runs may still show the pair before."""
    if settings.tls is None:
        return []
    try:
        listener_tls(settings)
    except SettingsError as error:
        advice = "put certificate and key right: muster serve would not start with them"
        return [failed(_CHECK, problem.message, advice) for problem in error.problems]
    shown = f"{settings.tls.certificate}"
    found = [warning(_CHECK, f"{shown}: {doubt}") for doubt in certificate_doubts(settings)]
    return found or [ok(_CHECK, f"{shown} is for public_url, and lasts")]
