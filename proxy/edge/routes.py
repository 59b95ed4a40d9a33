"""Which upstream a path belongs to: the longest prefix wins, by whole segments, on the very bytes that the gate judged."""

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Routes(Generic[T]):
    """Upstreams by path prefix. `/api` covers `/api` and whatever begins with `/api/`, and no other spelling of them."""

    __slots__ = ("_by_prefix", "_rest")

    def __init__(self, rest: T, by_prefix: Iterable[tuple[bytes, T]] = ()) -> None:
        """`rest` is where everything else goes; prefixes end without a slash."""
        longest_first = sorted(by_prefix, key=lambda entry: len(entry[0]), reverse=True)
        self._by_prefix = tuple((prefix, prefix + b"/", target) for prefix, target in longest_first)
        self._rest = rest

    def find(self, path: bytes) -> T:
        """Where a request for this path goes."""
        for exact, below, target in self._by_prefix:
            if path.startswith(below) or path == exact:
                return target
        return self._rest

    def all(self) -> tuple[T, ...]:
        """Every upstream, the one for everything else first."""
        return tuple(target for _, target in self.by_prefix())

    def by_prefix(self) -> tuple[tuple[bytes, T], ...]:
        """Every upstream with its prefix, which is empty for the one for everything else."""
        return ((b"", self._rest), *((prefix, target) for prefix, _, target in self._by_prefix))
