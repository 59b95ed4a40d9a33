"""How many connections one client has open, by its own address; an IPv6 client is its /64, of which it may use every address.

Pure: no clock, no socket.
"""

import ipaddress
from typing import Final

_OWN_BITS: Final = 64


def client_of(peer: str) -> str | None:
    """What one client is counted under; None for a peer without an address (a Unix socket's)."""
    if ":" not in peer:
        return peer if peer[:1].isdigit() else None
    try:
        address = ipaddress.IPv6Address(peer.partition("%")[0])
    except ValueError:
        return None
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, _OWN_BITS), strict=False))


class Crowd:
    """The clients with a connection, and how many each has. `most`: the limit for one; None: nobody is counted."""

    __slots__ = ("_counts", "_most")

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._counts: dict[str, int] = {}

    def enter(self, peer: str) -> str | bool | None:
        """The name to leave under; None when this peer is not counted; False when it has as many as it may."""
        client = None if self._most is None else client_of(peer)
        if client is None or self._most is None:
            return None
        count = self._counts.get(client, 0)
        if count >= self._most:
            return False
        self._counts[client] = count + 1
        return client

    def leave(self, client: str) -> None:
        """One connection less."""
        count = self._counts.get(client, 0) - 1
        if count > 0:
            self._counts[client] = count
        else:
            self._counts.pop(client, None)

    def __len__(self) -> int:
        return len(self._counts)
