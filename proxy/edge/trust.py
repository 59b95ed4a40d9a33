"""Whose word about the client's address is believed: proxies that the operator lists, and nobody else.

`X-Forwarded-For` is read from its right end, where the nearest proxy wrote: each address that is a trusted proxy's names the one
before it, and the first that is not is the client. What stands further left was written by the client itself and goes no
further. An entry that is no address ends the walk: what a trusted proxy did not write is not guessed at.

Pure: no clock, no socket.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_FIELD: Final = b"x-forwarded-for"
_KEPT: Final = 1024


class Client(NamedTuple):
    """The client's address, and the hops between it and our peer as `X-Forwarded-For` says them on; None: there are none."""

    address: str
    hops: bytes | None


class Trust:
    """The trusted networks. Remembers its verdict on each peer, in a bounded dict."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)
        self._verdicts: dict[str, bool] = {}

    def believes(self, peer: str) -> bool:
        """Whether this peer's word counts. A Unix socket's peer is `unix`: only somebody on this machine can be it."""
        if not self._networks:
            return False
        verdict = self._verdicts.get(peer)
        if verdict is None:
            if len(self._verdicts) >= _KEPT:
                self._verdicts.clear()
            verdict = self._verdicts[peer] = peer == "unix" or self._is_listed(peer)
        return verdict

    def client(self, peer: str, names: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]]) -> Client:
        """Who is behind a trusted peer. The peer itself when it does not say."""
        values = (value for name, (_, value) in zip(names, headers, strict=True) if name == _FIELD)
        hops: list[str] = []
        for entry in reversed(list(_entries(values))):
            address = _address(entry)
            if address is None:
                break
            hops.insert(0, address)
            if not self.believes(address):
                break
        if not hops:
            return Client(peer, None)
        return Client(hops[0], ", ".join(hops).encode("ascii"))

    def _is_listed(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks if network.version == address.version)


def _entries(values: Iterable[bytes]) -> Iterable[bytes]:
    return (entry.strip(b" \t") for value in values for entry in value.split(b","))


def _address(entry: bytes) -> str | None:
    """An address in its one spelling; a port after it, which some proxies write, is left out. None: no address.

    Nor is one with a zone (`fe80::1%eth0`): it means nothing elsewhere, and any text may stand in it (RFC 4007 §11.2).
    """
    text = entry.decode("latin-1")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return None if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return None
