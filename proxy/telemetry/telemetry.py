"""`Telemetry`: made once by the composition root, then handed to whoever has something to say.

Standard error carries the log (JSON lines, or text for a terminal), standard output carries audit records and access lines.
"""

import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_hex
from time import time
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from proxy.telemetry.access import AccessLog, Counted
from proxy.telemetry.lines import Lines, Timestamps, to_json
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.redaction import redact

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryRules:
    """`level`: debug, info, warning or error. `is_access_logged`: a line for every request. `idps`: ids, for the metrics."""

    level: str = "info"
    is_access_logged: bool = True
    idps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Where things are written."""

    log: TextIO = field(default_factory=lambda: sys.stderr)
    out: TextIO = field(default_factory=lambda: sys.stdout)


class Telemetry:
    """The log, the metrics, the audit sink and the access log. `clock` is the wall clock in seconds."""

    def __init__(
        self, rules: TelemetryRules, *, streams: Streams | None = None, clock: Callable[[], float] = time
    ) -> None:
        self._streams = streams or Streams()
        self._clock = clock
        self._times = Timestamps()
        self.metrics = Metrics(rules.idps)
        self._out = Lines(self._streams.out, self.metrics.lines_lost)
        self.access = AccessLog(
            self._out,
            self._times,
            Counted(requests=self.metrics.requests, refused=self.metrics.refused_heads),
            clock=clock,
            is_written=rules.is_access_logged,
        )
        self.log: structlog.typing.FilteringBoundLogger = _logger(self._streams.log, rules.level, self._stamp)

    def audit(self, record: Mapping[str, Any]) -> None:
        """One audit record, written at once; secrets are taken out of it."""
        self._out.add(to_json({"kind": "audit", "at": self._times.text(self._clock())} | redact(record)))
        self._out.flush()

    def flush(self) -> None:
        """Write what waits; called by a tick and at the end."""
        self._out.flush()

    def report(self, error: BaseException) -> str:
        """Take a bug to the log, with its traceback, and return the id that is shown instead."""
        incident = token_hex(6)
        trace = "".join(traceback.format_exception(error))
        self.log.error("internal_error", incident=incident, error=type(error).__name__, trace=trace)
        return incident

    def hear_libraries(self) -> None:
        """Carry what libraries log (warnings and worse) into the same log. For the running program, once."""
        root = logging.getLogger()
        root.handlers[:] = [_FromLibraries(self.log)]
        root.setLevel(logging.WARNING)

    def _stamp(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {"at": self._times.text(self._clock()), **event}


class _FromLibraries(logging.Handler):
    """Hands records of the standard library's logging on."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else None
        extra = {"trace": trace} if trace else {}
        self._log.log(record.levelno, "library", logger=record.name, said=record.getMessage(), **extra)


class _Writer:
    """The end of the log: one line a call. A full disk or a closed pipe loses the line, never the request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


def _redacted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    cleaned: EventDict = redact(event)
    return cleaned


def _logger(stream: TextIO, level: str, stamp: Processor) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        _Writer(stream),
        processors=[structlog.processors.add_log_level, stamp, _redacted, *_rendered(stream)],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
    )
    return logger


def _rendered(stream: TextIO) -> Iterable[Processor]:
    if stream.isatty():
        return (structlog.dev.ConsoleRenderer(timestamp_key="at"),)
    return (structlog.processors.EventRenamer("event"), structlog.processors.JSONRenderer(serializer=_line))


def _line(event: Any, **_: Any) -> str:
    return to_json(event)
