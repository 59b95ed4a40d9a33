"""The opening handshake of a WebSocket (RFC 6455 §4), on either side: which upgrade may become a tunnel.

A client's request that is no whole handshake is no error: it goes on as what else it is, without the upgrade, and the app says
what it thinks of it. An answer is the app's agreement only if it proves that the app read this very key.

Pure: no clock, no socket.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from proxy.gate.fields import Field

UPGRADE_LINES: Final = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16
_PORTS: Final = {b"http": b":80", b"https": b":443"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketRules:
    """Whose handshakes pass, and how long a tunnel may carry nothing, in seconds.

    `origins`: the page's origins (`https://app.example.com`) that may open one, besides the origin of the request itself;
    `*` = any.
    """

    is_enabled: bool = True
    origins: frozenset[bytes] = frozenset()
    idle_timeout: float = 600.0


def handshake_key(method: bytes, version: str, watched: Mapping[bytes, list[bytes]]) -> bytes | None:
    """The key of a whole client handshake (RFC 6455 §4.2.1); None for any other request.

    `watched` holds the values of `upgrade`, `sec-websocket-key` and `sec-websocket-version` by lower-case name. That
    `Connection` names the upgrade is llhttp's finding.
    """
    keys = watched.get(b"sec-websocket-key", [])
    is_whole = (
        method == b"GET"
        and version == "1.1"
        and [value.lower() for value in watched.get(b"upgrade", [])] == [b"websocket"]
        and watched.get(b"sec-websocket-version") == [b"13"]
        and len(keys) == 1
        and _is_key(keys[0])
    )
    return keys[0] if is_whole else None


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def is_agreed(key: bytes, headers: Iterable[Field]) -> bool:
    """Whether a 101 agrees to the handshake with this key (RFC 6455 §4.1, items 2–4 of the client's checks)."""
    fields: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        fields.setdefault(name.lower(), []).append(value.strip(b" \t"))
    proof = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        [value.lower() for value in fields.get(b"upgrade", [])] == [b"websocket"]
        and fields.get(b"sec-websocket-accept") == [proof]
        and b"content-length" not in fields
        and b"transfer-encoding" not in fields
    )


def may_open(origins: Iterable[bytes], host: bytes | None, scheme: str, rules: WebSocketRules) -> bool:
    """Whether a page of this origin may open one: our own, or one that the operator lists (RFC 6455 §10.2).

    A browser always sends `Origin`; a client without one is no browser and carries no cookie that it does not own.
    """
    stated = list(origins)
    if not stated or rules.origins == {b"*"}:
        return True
    return len(stated) == 1 and (_is_own(stated[0], host, scheme) or stated[0].lower() in rules.origins)


def _is_own(origin: bytes, host: bytes | None, scheme: str) -> bool:
    """The scheme counts: a page that anybody on the way may have written is not ours (`http://` beside `https://`)."""
    own = scheme.encode("ascii")
    usual = _PORTS.get(own, b"")
    return host is not None and origin.lower() == b"%b://%b" % (own, host.removesuffix(usual))
