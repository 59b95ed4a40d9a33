"""The cookies of a request, read as the edge reads them, and so that one odd cookie of the app's cannot hide ours."""

from collections.abc import Mapping


def read_cookies(headers: list[str]) -> Mapping[str, tuple[str, ...]]:
    """Every value that came under each name, in the order sent. A pair without `=` is skipped (RFC 6265 §5.2).

    The edge bounds a head's size, and with it their number; the time this takes grows with it and no faster.
    """
    found: dict[str, list[str]] = {}
    pairs = [pair for header in headers for pair in header.split(";")]
    for pair in pairs:
        name, has_value, value = pair.partition("=")
        if has_value:
            found.setdefault(name.strip(" \t"), []).append(value.strip(" \t"))
    return {name: tuple(values) for name, values in found.items()}


def sole_value(cookies: Mapping[str, tuple[str, ...]], name: str) -> str | None:
    """The value, unless it is absent or two values compete: then nobody can say which is ours."""
    values = set(cookies.get(name, ()))
    return values.pop() if len(values) == 1 else None
