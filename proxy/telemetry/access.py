"""The access log: one line for every finished exchange, rendered by hand and written in batches."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, Protocol

from proxy.telemetry.lines import Lines, Timestamps, quoted
from proxy.telemetry.metrics import RequestCounts

_CLASSES: Final = tuple(f"{hundreds}xx" for hundreds in range(10))

quoted_method: Final = lru_cache(maxsize=64)(quoted)
"""There are few methods, and nearly every line has one of two."""


class LoggedRequest(Protocol):
    """What a line needs of a request's head."""

    @property
    def method(self) -> bytes: ...

    @property
    def path(self) -> bytes: ...


class AccessLog:
    """Counts requests by the class of their status, and writes their lines unless told not to.

    The query is left out of a line: it may carry a code or a token. A session is named by the first 16 digits of its key.
    """

    def __init__(
        self,
        lines: Lines,
        times: Timestamps,
        counts: RequestCounts,
        *,
        clock: Callable[[], float],
        is_written: bool,
    ) -> None:
        self._lines = lines
        self._times = times
        self._counts = counts
        self._clock = clock
        self._is_written = is_written

    def __call__(
        self, peer: str, request: LoggedRequest, status: int, sent: int, seconds: float, session: str | None
    ) -> None:
        """`seconds` is how long the exchange took, `sent` the bytes of the answer."""
        self._counts.add(_CLASSES[status // 100])
        if not self._is_written:
            return
        whose = f',"session":"{session[:16]}"' if session else ""
        self._lines.add(
            f'{{"kind":"access","at":"{self._times.text(self._clock())}","peer":"{peer}",'
            f'"method":{quoted_method(request.method)},"path":{quoted(request.path)},'
            f'"status":{status},"bytes":{sent},"ms":{seconds * 1000:.1f}{whose}}}'
        )

    def flush(self) -> None:
        """Write what waits; called at every tick and at the end."""
        self._lines.flush()
