"""The phases of a client's connection; `client.py` draws how they follow each other."""

from enum import Enum, auto


class Phase(Enum):
    """What the connection is doing."""

    PREAMBLE = auto()
    NEW = auto()
    HEAD = auto()
    BUSY = auto()
    IDLE = auto()
    TUNNEL = auto()
    LINGER = auto()
    CLOSED = auto()


PREAMBLE, NEW, HEAD, BUSY, IDLE, TUNNEL, LINGER, CLOSED = Phase
"""By these names they are looked up seven times a request; in their class each would cost ten times as much."""
