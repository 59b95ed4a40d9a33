"""What the access log hears of a head that no exchange was made of: it was refused, or answered on the spot.

A target that was not judged may hold anything, so what is shown of it is the path alone: no query, no fragment (both carry
tokens), no user information of an absolute target, and never more than `LONGEST` bytes.

Pure: no clock, no socket.
"""

import re
from typing import Final, NamedTuple

LONGEST: Final = 256
_END_OF_PATH: Final = re.compile(rb"[?#]")


class HeadAnswer(NamedTuple):
    """`status` is 0 where nothing was answered; `why` is one of our own words, None where nothing was wrong.

    `method` and `path` are as the peer sent them, and None where they are not known or not fit to be shown.
    """

    peer: str
    method: bytes | None
    path: bytes | None
    status: int
    sent: int
    why: str | None


def shown_path(target: bytes) -> bytes | None:
    """The path of a target in origin form; None for anything else."""
    if not target.startswith(b"/"):
        return None
    return _END_OF_PATH.split(target, maxsplit=1)[0][:LONGEST]
