"""`config/reference.yaml`: every setting with its default, its description above it, written so that it loads as it stands."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from proxy.settings.outline import COMPUTED, REQUIRED, Entry, entries

_HEAD: Final = """\
# Every setting of Muster with its default. Generated: `make generated` writes it, `make check` finds when it is out of date.
# Settings marked "Required" hold an example; what is commented out is not there unless you write it.
# A file needs only what differs: see examples/. Durations: 500ms, 30s, 5m, 1h30m, 7d. Sizes: 512B, 8KiB, 1MiB.
# yaml-language-server: $schema=schema.json
"""
_WIDTH: Final = 110
_PLAIN: Final = re.compile(
    r"[A-Za-z/.]([A-Za-z0-9 /._:-]*[A-Za-z0-9_])?"  # a word or a path
    r"|\d+(ms|s|m|h|d|B|KiB|MiB|GiB)|\d+(\.\d+){3}:\d+"  # a duration, a size, an address
)
_WORDS_OF_YAML: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def render_reference() -> str:
    """The file's text."""
    lines: list[str] = []
    for entry in entries():
        lines += ["", *_lines(entry)]
    return _HEAD + "\n".join(lines) + "\n"


def _lines(entry: Entry) -> Iterator[str]:
    yield from _comment(entry)
    if entry.section is None:
        prefix = "# " if entry.default is COMPUTED else ""
        yield f"{prefix}{entry.name}: {flow(entry.example)}"
    elif entry.is_optional_section:
        yield f"{entry.name}: {flow(entry.default)}"
        yield from (f"# {line}".rstrip() for line in _nested(entry))
    else:
        yield from _nested(entry)


def _nested(entry: Entry) -> Iterator[str]:
    """The section's own lines under its name; a list shows one item."""
    assert entry.section is not None
    yield f"{entry.name}:"
    inner = [line for one in entries(entry.section, entry.loc, entry.default) for line in _lines(one)]
    yield from (f"  {line}" for line in (_item(inner) if entry.is_list else inner))


def _item(lines: list[str]) -> Iterator[str]:
    """Lines as one item of a list: the dash stands before the first setting, comments above it keep out of its way."""
    is_open = False
    for line in lines:
        is_setting = not line.startswith("#")
        yield f"- {line}" if is_setting and not is_open else f"  {line}"
        is_open = is_open or is_setting


def _comment(entry: Entry) -> Iterator[str]:
    what = entry.description + (" Required." if entry.default is REQUIRED and not entry.section else "")
    words, line = what.split(), "#"
    for word in words:
        if len(line) + len(word) >= _WIDTH:
            yield line
            line = "#"
        line += f" {word}"
    yield line


def flow(value: Any) -> str:
    """A value in YAML's flow style."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return value if _is_plain(value) else json.dumps(value)
        case list() | tuple():
            return f"[{', '.join(flow(item) for item in value)}]"
        case dict():
            return "{" + ", ".join(f"{name}: {flow(item)}" for name, item in value.items()) + "}"
    return str(value)


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text not in _WORDS_OF_YAML and ": " not in text
