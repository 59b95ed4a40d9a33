"""Open files: a proxied WebSocket takes two, and the usual soft limit of 1,024 is for programs that use select(2)."""

import resource
from typing import Final

_BESIDE: Final = 512
"""What is open besides clients and the connections that serve them: store, logs, partners, listeners."""


def wanted(connections: int) -> int:
    """The open files for so many clients, each with one connection to the app."""
    return 2 * connections + _BESIDE


def raise_limit(connections: int) -> int:
    """Raises this process's soft limit as far as `connections` need it and the hard limit lets it; what holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted(connections)
    most = wanted(connections) if hard == resource.RLIM_INFINITY else min(wanted(connections), hard)
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)
