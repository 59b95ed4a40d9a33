"""The certificate of the listener, as the operator's files hold it now."""

import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from proxy.app.certificate_terms import doubts_about, terms_of
from proxy.edge.tls import CertificateFiles, ListenerTls, Look, describe
from proxy.errors import Problem, SettingsError
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import Telemetry


class CertificateWatch:
    """Looks whether the files changed. What cannot be used changes nothing and is said once; `doubts` are about what is used."""

    def __init__(
        self, tls: ListenerTls, telemetry: Telemetry, doubts: Callable[[], Iterable[str]] = tuple
    ) -> None:
        self._tls = tls
        self._doubts = doubts
        self._log = telemetry.log

    async def look(self) -> None:
        """For a round."""
        match self._tls.look():
            case Look.LOADED:
                self._log.info("certificate", what="the new certificate is shown from now on")
                self.say_doubts()
            case Look.UNUSABLE:
                what = "the changed files are no certificate with its key; the one before is still shown"
                self._log.error("certificate", what=what)
            case Look.SAME:
                pass

    def say_doubts(self) -> None:
        """A warning each."""
        for doubt in self._doubts():
            self._log.warning("certificate", what=doubt)


def certificate_doubts(settings: Settings) -> tuple[str, ...]:
    """What browsers would not accept of the listener's certificate, as the file is now; empty without `tls`."""
    if settings.tls is None:
        return ()
    try:
        terms = terms_of(settings.tls.certificate.read_bytes())
    except OSError:
        return ()
    host = urlsplit(settings.public_url).hostname or ""
    return tuple(doubts_about(terms, host, time.time())) if terms is not None else ()


def listener_tls(settings: Settings) -> ListenerTls | None:
    """What the listener shows; None without `tls`. Raises SettingsError for files that cannot be used."""
    if settings.tls is None:
        return None
    try:
        return ListenerTls(CertificateFiles(certificate=settings.tls.certificate, key=settings.tls.key))
    except (OSError, ValueError) as error:
        problem = Problem(path="tls", line=settings.line_of("tls"), message=describe(error))
        raise SettingsError((problem,)) from None
