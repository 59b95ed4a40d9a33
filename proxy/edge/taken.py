"""What a client has taken of what was written to it, as the kernel knows.

A transport tells of its own buffer. Under TLS that is the smaller part: what was encrypted waits in the connection's buffer below
it, of which nobody tells. So a slow reader looks like one that takes nothing, and an answer that is half on its way like one that
arrived. What the peer acknowledged is the same however many buffers there are.

Source: `struct tcp_info` of Linux (include/uapi/linux/tcp.h), which only ever grows at its end.
"""

import socket
import struct
import sys
from typing import Final, NamedTuple, Protocol

_FIELDS: Final = struct.Struct("=24x I 92x Q 16x I")
"""`tcpi_unacked` in segments, `tcpi_bytes_acked`, and `tcpi_notsent_bytes`; Linux 4.6 or later."""


class Connected(Protocol):
    """A socket, or what a loop lends of one."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...


class Taken(NamedTuple):
    """`acknowledged`: bytes since the connection began. `is_all`: the kernel holds none that was not."""

    acknowledged: int
    is_all: bool


def taken(own: Connected) -> Taken | None:
    """None where the kernel does not say: elsewhere than on Linux, of other than TCP, or once it is closed."""
    if sys.platform != "linux":
        return None
    try:
        told = own.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _FIELDS.size)
    except OSError:
        return None
    if len(told) < _FIELDS.size:
        return None
    unacknowledged, acknowledged, unsent = _FIELDS.unpack(told)
    return Taken(acknowledged, unacknowledged == 0 and unsent == 0)
