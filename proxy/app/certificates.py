"""The certificate of the listener, as the operator's files hold it now."""

from proxy.edge.tls import CertificateFiles, ListenerTls, Look, describe
from proxy.errors import Problem, SettingsError
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import Telemetry


class CertificateWatch:
    """Looks whether the files changed. What cannot be used changes nothing and is said once."""

    def __init__(self, tls: ListenerTls, telemetry: Telemetry) -> None:
        self._tls = tls
        self._log = telemetry.log

    async def look(self) -> None:
        """For a round."""
        match self._tls.look():
            case Look.LOADED:
                self._log.info("certificate", what="the new certificate is shown from now on")
            case Look.UNUSABLE:
                what = "the changed files are no certificate with its key; the one before is still shown"
                self._log.error("certificate", what=what)
            case Look.SAME:
                pass


def listener_tls(settings: Settings) -> ListenerTls | None:
    """What the listener shows; None without `tls`. Raises SettingsError for files that cannot be used."""
    if settings.tls is None:
        return None
    try:
        return ListenerTls(CertificateFiles(certificate=settings.tls.certificate, key=settings.tls.key))
    except (OSError, ValueError) as error:
        problem = Problem(path="tls", line=settings.line_of("tls"), message=describe(error))
        raise SettingsError((problem,)) from None
