"""The cookies of a request, read so that one odd cookie of the app's cannot hide ours."""

from collections.abc import Mapping

MOST = 200


def read_cookies(headers: list[str]) -> Mapping[str, tuple[str, ...]]:
    """Every value that came under each name, in the order sent. A pair without `=` is skipped (RFC 6265 §5.2)."""
    found: dict[str, tuple[str, ...]] = {}
    pairs = [pair for header in headers for pair in header.split(";")]
    for pair in pairs[:MOST]:
        name, has_value, value = pair.strip(" \t").partition("=")
        if has_value:
            found[name] = (*found.get(name, ()), value)
    return found


def sole_value(cookies: Mapping[str, tuple[str, ...]], name: str) -> str | None:
    """The value, unless it is absent or two values compete: then nobody can say which is ours."""
    values = set(cookies.get(name, ()))
    return values.pop() if len(values) == 1 else None
