"""The doctor at `public_url`: whether people who type it reach Muster, and how long its certificate lasts."""

import asyncio
import ssl
import time
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from proxy.cli.doctor_finding import Finding, Findings, failed, ok, warning
from proxy.cli.doctor_http import SECONDS, Seen, Silent, from_here, get, why_untrusted
from proxy.settings.model import Settings

LEAST_DAYS: Final = 14
_DAY: Final = 86_400.0
_EXPIRED: Final = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_REACHED: Final = "public address"
_CERTIFICATE: Final = "certificate"


async def examine_public(settings: Settings, http: aiohttp.ClientSession) -> Findings:
    """Muster is recognised by its own `livez`, which asks nobody."""
    url = settings.public_url.rstrip("/")
    parts = urlsplit(url)
    paths = "/_muster/*" if settings.forward_auth.enabled else "every path"
    reached = _reached(url, http, f"have the proxy in front pass {paths} and the Host header to Muster")
    if parts.scheme != "https":
        return [await reached]
    certificate = examine_certificate(parts.hostname or "", parts.port or 443)
    return list(await asyncio.gather(reached, certificate))


async def _reached(url: str, http: aiohttp.ClientSession, how: str) -> Finding:
    seen = await _own(url, "livez", http)
    if isinstance(seen, Silent):
        if seen.is_untrusted:
            return warning(_REACHED, f"{url}: {seen.detail}", "have this machine trust it, to see further")
        advice = "see that muster serve runs, and that the name leads to it from here"
        return failed(_REACHED, f"{url}: {seen.detail}", advice)
    if seen.status != 200 or seen.body.strip() != b"ok":
        return failed(
            _REACHED, f"{url} is answered by somebody else, or another Host arrives ({seen.status})", how
        )
    ready = await _own(url, "readyz", http)
    if isinstance(ready, Silent) or ready.status != 200:
        return failed(
            _REACHED, f"Muster answers at {url}, and is not ready", "see its log: the store may not answer"
        )
    return ok(_REACHED, f"Muster answers at {url}, and is ready")


async def _own(url: str, page: str, http: aiohttp.ClientSession) -> Seen | Silent:
    address, host = from_here(url, f"/_muster/{page}")
    return await get(http, address, headers=host)


async def examine_certificate(host: str, port: int, *, tls: ssl.SSLContext | None = None) -> Finding:
    """By the certificate that a browser would be shown. `tls` replaces the system's trust."""
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=tls or ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        why = why_untrusted(error)
        if error.verify_code == _EXPIRED:
            return failed(_CERTIFICATE, f"{host}: {why}", "renew it")
        return warning(
            _CERTIFICATE, f"{host}: this machine does not accept it: {why}", "see its chain and its names"
        )
    except (OSError, TimeoutError):
        return warning(_CERTIFICATE, f"{host}:{port} cannot be asked for it")
    try:
        return _judged(host, writer.get_extra_info("peercert") or {}, time.time())
    finally:
        writer.transport.abort()


def _judged(host: str, certificate: dict[str, str], now: float) -> Finding:
    stated = certificate.get("notAfter")
    if stated is None:
        return warning(_CERTIFICATE, f"{host}: it states no end")
    until = ssl.cert_time_to_seconds(stated)
    days = int((until - now) // _DAY)
    seen = f"{host}: it lasts until {datetime.fromtimestamp(until, UTC):%Y-%m-%d}, {days} days"
    return warning(_CERTIFICATE, seen, "renew it") if days < LEAST_DAYS else ok(_CERTIFICATE, seen)
