"""Making a connection to an upstream: over TCP, TLS or a Unix socket; and what a failure means.

Nothing was sent while a connection is made, so trying again is harmless. A refused connect is tried again after each of `PAUSES`,
all of it within the time that a connect may take: an app that restarts is back by then more often than not.
"""

import asyncio
import os
import socket
import ssl
from typing import Final

from proxy.edge.health import Fault
from proxy.edge.known import KnownAnswers
from proxy.edge.rules import UpstreamRules
from proxy.edge.upstream import UpstreamConnection
from proxy.edge.upstream_tls import UpstreamTls
from proxy.reasons import Reason

PAUSES: Final = (0.05, 0.1, 0.2, 0.4)
"""Seconds between tries, for a request that may be sent twice."""


class Dialer:
    """Connects to one upstream. `context` is the TLS context that holds now; None without TLS, or while it cannot be had."""

    __slots__ = ("_known", "_loop", "_rules", "_tls", "context")

    def __init__(self, rules: UpstreamRules, loop: asyncio.AbstractEventLoop, known: KnownAnswers) -> None:
        self._rules = rules
        self._loop = loop
        self._known = known
        self._tls = UpstreamTls(rules.tls) if rules.tls is not None else None
        self.context: ssl.SSLContext | None = None

    def look(self) -> str | None:
        """Reads changed TLS files; why they cannot be used, if so."""
        if self._tls is None:
            return None
        self.context = self._tls.context()
        return self._tls.fault

    async def dial(self, *, is_repeatable: bool) -> UpstreamConnection | Fault:
        """A new connection, or why there is none, within `connect_timeout`."""
        fault = self.look()
        if self._tls is not None and self.context is None:
            return Fault(status=502, reason=Reason.UPSTREAM_NOT_TRUSTED, detail=fault or "no TLS")
        try:
            async with asyncio.timeout(self._rules.connect_timeout):
                for pause in PAUSES if is_repeatable else ():
                    try:
                        return await self._open()
                    except OSError as error:
                        if not is_refusal(error):
                            raise
                    await asyncio.sleep(pause)
                return await self._open()
        except (OSError, UnicodeError) as error:
            return fault_of(error, self._rules)

    async def _open(self) -> UpstreamConnection:
        rules, context = self._rules, self.context

        def made() -> UpstreamConnection:
            return UpstreamConnection(rules.header_bytes, self._known, context)

        if rules.socket_path is not None:
            return (await self._loop.create_unix_connection(made, rules.socket_path))[1]
        if context is None or self._tls is None:
            return (await self._loop.create_connection(made, rules.host, rules.port))[1]
        _, upstream = await self._loop.create_connection(
            made, rules.host, rules.port, ssl=context, server_hostname=self._tls.server_name
        )
        return upstream


def is_refusal(error: OSError) -> bool:
    """Nobody listened just now. A name that is not known, a certificate or a silent host will not be better in a moment."""
    return not isinstance(error, TimeoutError | ssl.SSLError | socket.gaierror | ConnectionResetError)


def fault_of(error: OSError | UnicodeError, rules: UpstreamRules) -> Fault:
    """What an operator is told of a failed connect, and the client's status."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message or "not verified"
        return _fault(502, Reason.UPSTREAM_NOT_TRUSTED, f"its certificate is not accepted: {why}")
    if isinstance(error, ssl.SSLError) or (rules.tls is not None and isinstance(error, ConnectionResetError)):
        words = (getattr(error, "reason", None) or "the connection ended").replace("_", " ").lower()
        return _fault(502, Reason.UPSTREAM_NOT_TRUSTED, f"no TLS connection: {words}")
    if isinstance(error, TimeoutError):
        return _fault(504, Reason.UPSTREAM_TIMEOUT, f"no connection within {rules.connect_timeout:g} s")
    # A label that is empty or too long is refused before anybody is asked (RFC 1035 §2.3.4).
    if isinstance(error, socket.gaierror | UnicodeError):
        return _fault(503, Reason.UPSTREAM_UNAVAILABLE, "its name is not known (DNS)")
    why = os.strerror(error.errno).lower() if error.errno else "connection refused"
    return _fault(503, Reason.UPSTREAM_UNAVAILABLE, why)


def _fault(status: int, reason: Reason, detail: str) -> Fault:
    return Fault(status=status, reason=reason, detail=detail)
