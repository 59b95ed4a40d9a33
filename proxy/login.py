"""Which logins a header can carry: the app's own, byte for byte, or not at all (semantics §10.1).

An encoded login is another string, and may be another person's own: `alıce` written `al%C4%B1ce` is whoever has the login
`al%C4%B1ce`. So nothing is encoded, cut or normalised here; what cannot be sent as it is, is not sent.

| | `ascii` | `utf-8` |
|---|---|---|
| printable ASCII, `%` and `,` included | as it is | as it is |
| other letters and signs | not sent | their UTF-8 bytes |
| empty, white space at either end, controls, line and paragraph separators, lone surrogates | not sent | not sent |
"""

import unicodedata
from enum import StrEnum, unique
from typing import Final

_NEVER: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that no header carries: a reader may end a line there, strip it or refuse it."""


@unique
class UserEncoding(StrEnum):
    """What the app reads the user header as."""

    ASCII = "ascii"
    UTF_8 = "utf-8"


def sent_as(login: str, encoding: UserEncoding) -> bytes | None:
    """The bytes of the header's value; None for a login that a header cannot carry unchanged."""
    if not login or login != login.strip() or any(unicodedata.category(char) in _NEVER for char in login):
        return None
    if encoding is UserEncoding.ASCII and not login.isascii():
        return None
    return login.encode("utf-8")
