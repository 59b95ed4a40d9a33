"""How a path may be read: by us, by the app, by whatever stands between. What is judged is what is forwarded, byte for byte.

A path is *plain* when every server reads it alike. Any other is read in all the ways that servers are known to read one; a rule
holds only if it is the same for all of them, and a path without sign-in must be plain or nearly so (`is_open_spelling`).

| step | who reads so |
|---|---|
| percent-decoding, once or more often | everybody; twice: a proxy and an app behind each other |
| `\\` as `/` | Windows servers, browsers |
| `;…` of a segment left out | servlet containers (path parameters) |
| `//` as `/` | nginx, Rails, most routers |
| cut at a decoded `?`, `#` | whatever rebuilds a URL out of a decoded path |
| dots and spaces at a segment's end left out | Windows |
| `%uXXXX` decoded | IIS and older .NET |
| Unicode compatibility forms (NFKC) as ASCII | Windows, some frameworks |

Nobody should guess at a dot segment (Windows counts `.. ` as one), a control or an overlong UTF-8 sequence: browsers never send
them (WHATWG URL §4.4).
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_to_bytes

_SEGMENT: Final = rb"[A-Za-z0-9._~!$&'()*+,=:@-]+(?<!\.)"
is_plain: Final = re.compile(rb"(?:/%b)*/?" % _SEGMENT).fullmatch
"""A match for a path of ordinary characters in ordinary segments: no escape, no `;`, none empty, none that ends in a dot."""

_HARMLESS: Final = re.compile(
    rb"(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%(?:2[0-2]|2[4]|2[6-9]|2[ABCabc]|3[ACDEacde]|40|5[BDEbde]|60|7[BCDbcd]|[89A-Fa-f][0-9A-Fa-f]))+"
).fullmatch
_SPECIAL: Final = "/\\.;%?#"
_GUESSWORK: Final = re.compile(
    rb"(?:^|/) *+\.[. ]*+(?=/|\Z)|[\x00-\x1f\x7f]|[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]"
).search
_MOST_READINGS: Final = 64
_LONGEST: Final = 4096
_MOST_READ: Final = 32 * 1024
"""Bytes of all readings together: reading is work that anybody may ask for."""


def is_open_spelling(path: bytes) -> bool:
    """Whether a path may go to the app without a sign-in: plain, or escaped only where that changes no segment.

    Escapes may stand for a space, for signs that have no meaning in a path, and for UTF-8 beyond ASCII without look-alikes of
    signs that have one.
    """
    if is_plain(path):
        return True
    decoded = unquote_to_bytes(path)
    # Windows reads `.. ` as `..`: spaces count as nothing here.
    if not _HARMLESS(path) or not is_plain(re.sub(rb"[^ A-Za-z0-9._~/-]", b"x", decoded).replace(b" ", b"")):
        return False
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        return False
    compatible = unicodedata.normalize("NFKC", text)
    return all(text.count(sign) == compatible.count(sign) for sign in _SPECIAL)


def readings(path: bytes) -> frozenset[bytes] | None:
    """Every way in which this path may be read, itself included; None when it takes guesswork, or too many."""
    if is_plain(path):
        return frozenset((path,))
    if len(path) > _LONGEST:
        return None
    seen, fresh, size = {path}, [path], 0
    while fresh:
        one = fresh.pop()
        size += len(one)
        if _GUESSWORK(one) or len(seen) > _MOST_READINGS or size > _MOST_READ:
            return None
        news = {step(one) for step in _STEPS} - seen
        seen |= news
        fresh += news
    return frozenset(seen)


def _with_slashes(path: bytes) -> bytes:
    return path.replace(b"\\", b"/")


def _without_parameters(path: bytes) -> bytes:
    return re.sub(rb";[^/]*", b"", path)


def _merged(path: bytes) -> bytes:
    return re.sub(rb"/{2,}", b"/", path)


def _cut(path: bytes) -> bytes:
    return re.split(rb"[?#]", path, maxsplit=1)[0] or b"/"


def _without_tails(path: bytes) -> bytes:
    return re.sub(rb"(?<=[^/. ])[. ]+(?=/|\Z)", b"", path)


def _with_long_escapes(path: bytes) -> bytes:
    return re.sub(rb"%[uU]([0-9A-Fa-f]{4})", _code_point, path)


def _code_point(escape: re.Match[bytes]) -> bytes:
    return chr(int(escape[1], 16)).encode("utf-8", "surrogatepass")


def _in_compatible_letters(path: bytes) -> bytes:
    if path.isascii():
        return path
    text = path.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFKC", text).encode("utf-8", "surrogateescape")


_STEPS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    unquote_to_bytes,
    _with_slashes,
    _without_parameters,
    _merged,
    _cut,
    _without_tails,
    _with_long_escapes,
    _in_compatible_letters,
)
