"""Durations (`90s`, `1h30m`) as seconds and sizes (`8KiB`) as bytes: always with a unit, so that nobody has to guess."""

import re
from typing import Annotated, Final

from pydantic import PlainValidator

from proxy.settings.section import written_as

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES: Final = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+")
_SIZE: Final = re.compile(r"([0-9]+) ?(B|KiB|MiB|GiB)")
_LONGEST: Final = 100 * 366 * 86400.0


def parse_duration(value: object) -> float:
    """Seconds, from text such as `90s`, `5m`, `1h30m` or `0`.

    Raises ValueError with a sentence for anything else, a bare number included: it does not say what it counts.
    """
    text = "0s" if value in (0, "0") and value is not False else value
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise ValueError("write a duration with its unit, such as 500ms, 30s, 5m, 1h30m or 7d")
    seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in _PART.findall(text))
    if seconds > _LONGEST:
        raise ValueError("this duration is longer than a hundred years")
    return seconds


def parse_positive_duration(value: object) -> float:
    """As `parse_duration`, and more than nothing."""
    seconds = parse_duration(value)
    if seconds <= 0:
        raise ValueError("this duration must be longer than zero")
    return seconds


def parse_size(value: object) -> int:
    """Bytes, from text such as `512B`, `8KiB` or `1MiB`. Raises ValueError with a sentence for anything else."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a size with its unit, such as 512B, 8KiB, 1MiB or 2GiB")
    size = int(match[1]) * _BYTES[match[2]]
    if not 0 < size <= 2**50:
        raise ValueError("this size must be between 1B and 1048576GiB")
    return size


Duration = Annotated[float, PlainValidator(parse_duration), written_as("duration")]
"""Seconds; zero is allowed."""

PositiveDuration = Annotated[float, PlainValidator(parse_positive_duration), written_as("duration")]
"""Seconds, more than zero."""

Size = Annotated[int, PlainValidator(parse_size), written_as("size")]
"""Bytes, at least one."""
