"""An answer's body as a JSON object, or None: bounded, and never an exception."""

import json
from typing import Final

_JSON_TYPES: Final = ("application/json", "text/json")


def read_json_object(body: bytes, content_type: str | None) -> dict[str, object] | None:
    """The object in a JSON answer; None for another type, broken text, another value or absurd nesting.

    A missing content type is read as JSON; HTML never is, whatever it holds.
    """
    return parse_object(body) if _is_json(content_type) else None


def read_json(body: bytes, content_type: str | None) -> dict[str, object] | list[object] | None:
    """The object or list in a JSON answer; None for everything that `read_json_object` refuses."""
    if not _is_json(content_type):
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def parse_object(text: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_json(content_type: str | None) -> bool:
    if not content_type:
        return True
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in _JSON_TYPES or media_type.endswith("+json")


def positive_number(value: object) -> float | None:
    """Seconds as an IdP may write them (a number, or digits in a string), or None when they mean nothing."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        return float(value) or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e12 else None
