"""The doctor at the app's door: whether it opens, and what is wrong with the certificate there."""

import asyncio
import ssl
import time
from datetime import UTC, datetime
from typing import Final

from proxy.app.upstreams import upstream_rules
from proxy.cli.doctor_finding import Finding, Findings, failed, ok, warning
from proxy.cli.doctor_http import SECONDS, why_untrusted
from proxy.edge.rules import TlsRules, UpstreamRules
from proxy.edge.upstream_tls import UpstreamTls
from proxy.settings.document import dotted
from proxy.settings.model import Settings
from proxy.settings.upstream_checks import upstreams_of

LEAST_DAYS: Final = 14
_DAY: Final = 86_400.0

_ADVICE: Final = {
    10: "renew the app's certificate",  # X509_V_ERR_CERT_HAS_EXPIRED
    18: "name the certificate itself in tls.ca_file",  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
    62: "write the name that the certificate bears in tls.server_name",  # X509_V_ERR_HOSTNAME_MISMATCH
    64: "write the name that the certificate bears in tls.server_name",  # X509_V_ERR_IP_ADDRESS_MISMATCH
}
_AUTHORITY: Final = (
    "name the authority that issued it in tls.ca_file, and have the app send the certificates in between"
)
_SEE_THAT_IT_RUNS: Final = "see that the app runs, and url"
_REQUEST: Final = b"GET / HTTP/1.1\r\nHost: %b\r\nUser-Agent: muster-doctor\r\nConnection: close\r\n\r\n"


async def examine_upstreams(settings: Settings) -> Findings:
    """All of them, side by side; but `upstream` on plain http is looked at as `app: around Muster`."""
    examined = []
    for loc, upstream in upstreams_of(settings):
        rules = upstream_rules(upstream)
        if loc != ("upstream",) or rules.tls is not None or rules.socket_path is not None:
            examined.append(_examined(dotted(loc), rules))
    return list(await asyncio.gather(*examined))


async def _examined(check: str, rules: UpstreamRules) -> Finding:
    try:
        async with asyncio.timeout(SECONDS):
            if rules.socket_path is not None:
                return await _socket(check, rules.socket_path, rules)
            if rules.tls is None:
                return await _plain(check, rules)
            return await _certificate(check, rules, rules.tls)
    except TimeoutError:
        return failed(check, f"{rules.name}: no answer within {SECONDS:g} s", "see whether the app is well")


async def _socket(check: str, path: str, rules: UpstreamRules) -> Finding:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except PermissionError:
        return failed(
            check, f"{rules.name}: this user may not open it", "give Muster's user the socket's group"
        )
    except OSError:
        return failed(check, f"{rules.name}: nobody listens there", _SEE_THAT_IT_RUNS)
    writer.transport.abort()
    return ok(check, f"{rules.name} opens; no other machine reaches it")


async def _plain(check: str, rules: UpstreamRules) -> Finding:
    try:
        reader, writer = await asyncio.open_connection(rules.host, rules.port)
    except OSError:
        return failed(check, f"{rules.name}: no connection", _SEE_THAT_IT_RUNS)
    try:
        writer.write(_REQUEST % rules.authority)
        begin = await reader.read(1)
    except ConnectionError:
        begin = b""
    finally:
        writer.transport.abort()
    if begin == b"H":
        return ok(check, f"{rules.name} answers; let nobody but Muster reach that port")
    advice = "see whether it is an HTTP server, and whether it speaks TLS: then write https:// in url"
    return failed(check, f"{rules.name}: what is there does not answer in HTTP", advice)


async def _certificate(check: str, rules: UpstreamRules, tls: TlsRules) -> Finding:
    used = UpstreamTls(tls)
    context = used.context()
    if context is None:
        return failed(check, f"{rules.name}: {used.fault}", "correct the files under tls")
    try:
        reader, writer = await asyncio.open_connection(
            rules.host, rules.port, ssl=context, server_hostname=tls.server_name
        )
    except ssl.SSLCertVerificationError as error:
        advice = _ADVICE.get(error.verify_code, _AUTHORITY)
        return failed(check, f"{rules.name}: its certificate is not accepted: {why_untrusted(error)}", advice)
    except ssl.SSLError:
        return failed(check, f"{rules.name}: no TLS there", "write http:// in url, or have the app speak TLS")
    except OSError:
        return failed(check, f"{rules.name}: no connection", _SEE_THAT_IT_RUNS)
    try:
        if not await _answers(reader, writer, rules):
            advice = "see whether the app wants a client certificate: tls.cert_file and tls.key_file"
            return failed(check, f"{rules.name}: it ended the connection without an answer", advice)
        return _judged(check, rules, tls, writer.get_extra_info("peercert") or {}, time.time())
    finally:
        writer.transport.abort()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rules: UpstreamRules) -> bool:
    """Whether anything comes back: with TLS 1.3 an app refuses our certificate, or its lack, only after the handshake."""
    writer.write(_REQUEST % rules.authority)
    try:
        return bool(await reader.read(1))
    except (ssl.SSLError, ConnectionError):
        return False


def _judged(check: str, rules: UpstreamRules, tls: TlsRules, shown: dict[str, str], now: float) -> Finding:
    until = ssl.cert_time_to_seconds(shown["notAfter"])
    days = int((until - now) // _DAY)
    end = f"{datetime.fromtimestamp(until, UTC):%Y-%m-%d}, {days} days"
    seen = f"{rules.name} is {tls.server_name}; its certificate lasts until {end}"
    return warning(check, seen, "renew it") if days < LEAST_DAYS else ok(check, seen)
