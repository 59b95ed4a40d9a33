"""The access log: one line for every finished exchange, rendered by hand and written in batches."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from proxy.telemetry.counts import PlainCounts
from proxy.telemetry.lines import Lines, Timestamps, quoted

_CLASSES: Final = tuple(f"{hundreds}xx" for hundreds in range(10))

quoted_method: Final = lru_cache(maxsize=64)(quoted)
"""There are few methods, and nearly every line has one of two."""


class LoggedRequest(Protocol):
    """What a line needs of a request's head."""

    @property
    def method(self) -> bytes: ...

    @property
    def path(self) -> bytes: ...


class HeadAnswer(Protocol):
    """A head that no exchange was made of; `why` is one of our own words, None where nothing was wrong."""

    @property
    def peer(self) -> str: ...

    @property
    def method(self) -> bytes | None: ...

    @property
    def path(self) -> bytes | None: ...

    @property
    def status(self) -> int: ...

    @property
    def sent(self) -> int: ...

    @property
    def why(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Requests by class of status, and refused heads by why."""

    requests: PlainCounts
    refused: PlainCounts


class AccessLog:
    """Counts requests by the class of their status, and writes their lines unless told not to.

    The query is left out of a line: it may carry a code or a token. A session is named by the first 16 digits of its key.
    """

    def __init__(
        self,
        lines: Lines,
        times: Timestamps,
        counts: Counted,
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
        self._counts.requests.add(_CLASSES[status // 100])
        if not self._is_written:
            return
        whose = f',"session":"{session[:16]}"' if session else ""
        self._lines.add(
            f'{{"kind":"access","at":"{self._times.text(self._clock())}","peer":"{peer}",'
            f'"method":{quoted_method(request.method)},"path":{quoted(request.path)},'
            f'"status":{status},"bytes":{sent},"ms":{seconds * 1000:.1f}{whose}}}'
        )

    def without_exchange(self, answered: HeadAnswer) -> None:
        """A head that was refused before an exchange began; what its peer sent is escaped, and left out where it is not known."""
        if answered.status:
            self._counts.requests.add(_CLASSES[answered.status // 100])
        if answered.why is not None:
            self._counts.refused.add(answered.why)
        if self._is_written:
            self._lines.add(self._line_without_exchange(answered))

    def _line_without_exchange(self, answered: HeadAnswer) -> str:
        method = "" if answered.method is None else f'"method":{quoted(answered.method)},'
        path = "" if answered.path is None else f'"path":{quoted(answered.path)},'
        refused = "" if answered.why is None else f',"refused":"{answered.why}"'
        return (
            f'{{"kind":"access","at":"{self._times.text(self._clock())}","peer":"{answered.peer}",'
            f'{method}{path}"status":{answered.status},"bytes":{answered.sent}{refused}}}'
        )

    def flush(self) -> None:
        """Write what waits; called at every tick and at the end."""
        self._lines.flush()
