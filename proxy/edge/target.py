"""What a request target means: its origin form, and whether it is another spelling of an own path."""

import re
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

OWN_PREFIX: Final = b"/_muster/"

_REFUSED: Final = re.compile(rb"[\x00-\x20\x7f#]")
_PLAIN: Final = re.compile(rb"/[A-Za-z0-9._~/-]*").fullmatch
_ABSOLUTE: Final = re.compile(rb"https?://([^/?@]+)(/[^?]*)?(\?.*)?", re.IGNORECASE | re.DOTALL)
_DECODINGS: Final = 4


Target: TypeAlias = tuple[bytes, bytes, bytes | None]
"""An accepted target in origin form (or `*`), its path, and the authority that an absolute form named."""


def is_plain(raw: bytes) -> bool:
    """Whether a target is a path alone, of nothing but unreserved characters: the common case, judged in one look."""
    return _PLAIN(raw) is not None


def read_target(method: bytes, raw: bytes) -> Target | None:
    """The target, or None when no server should guess at it (RFC 9112 §3.2)."""
    if _REFUSED.search(raw):
        return None
    if raw.startswith(b"/"):
        return raw, raw.partition(b"?")[0], None
    if raw == b"*":
        return (raw, raw, None) if method == b"OPTIONS" else None
    match = _ABSOLUTE.fullmatch(raw)
    if match is None:
        return None
    authority, path, query = match.groups()
    if method == b"OPTIONS" and path is None and query is None:
        return b"*", b"*", authority.lower()
    path = path or b"/"
    return path + (query or b""), path, authority.lower()


def is_ambiguous(path: bytes) -> bool:
    """Whether this path is own in one reading and not in another: percent-encoding, dot segments, `//`, `\\`, `;` or case."""
    if b"%" not in path and b"muster" not in path.lower():
        return False
    return path.startswith(OWN_PREFIX) != _normalised(path).startswith(OWN_PREFIX)


def _normalised(path: bytes) -> bytes:
    """The path as the most lenient server might read it: decoded until it stands still, `\\` as `/`, parameters gone."""
    for _ in range(_DECODINGS):
        decoded = unquote_to_bytes(path)
        if decoded == path:
            break
        path = decoded
    kept: list[bytes] = []
    segments = [segment.partition(b";")[0] for segment in path.lower().replace(b"\\", b"/").split(b"/")]
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    slash = b"/" if segments[-1] in (b"", b".", b"..") else b""
    return (b"/" + b"/".join(kept) + slash) if kept else b"/"
