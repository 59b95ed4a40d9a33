"""What may stand where, asked of the JSON schema: the names of a section, and whether a place takes a single value."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

from proxy.settings.document import Loc
from proxy.settings.model import Settings


@cache
def schema() -> dict[str, Any]:
    """The JSON schema of a configuration file."""
    return Settings.model_json_schema()


def shapes_at(loc: Loc) -> tuple[dict[str, Any], ...]:
    """The alternatives that may stand at `loc`; empty where nothing may."""
    found = tuple(_alternatives(schema()))
    for step in loc:
        found = tuple(inner for shape in found for inner in _inside(shape, step))
    return found


def names_at(loc: Loc) -> tuple[str, ...]:
    """The settings of the section at `loc`, in their order."""
    return tuple(dict.fromkeys(name for shape in shapes_at(loc) for name in shape.get("properties", ())))


def types_at(loc: Loc) -> frozenset[str]:
    """JSON types that may stand at `loc`."""
    return frozenset(name for shape in shapes_at(loc) for name in _types(shape))


def homes(name: str) -> tuple[str, ...]:
    """The top-level sections that have a setting of this name."""
    return tuple(section for section in schema()["properties"] if name in _names_inside(section))


def nearest(word: str, words: tuple[str, ...]) -> str | None:
    """The word that somebody probably meant."""
    return next(iter(get_close_matches(word, words, n=1, cutoff=0.6)), None)


def _names_inside(section: str) -> tuple[str, ...]:
    return names_at((section,)) or names_at((section, 0))


def _types(shape: dict[str, Any]) -> Iterator[str]:
    if "type" in shape:
        yield shape["type"]
    elif "enum" in shape or "const" in shape:
        yield "string"


def _alternatives(shape: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in shape:
        yield from _alternatives(schema()["$defs"][shape["$ref"].rpartition("/")[2]])
    elif "anyOf" in shape:
        for branch in shape["anyOf"]:
            yield from _alternatives(branch)
    else:
        yield shape


def _inside(shape: dict[str, Any], step: str | int) -> Iterator[dict[str, Any]]:
    if isinstance(step, int):
        inner = shape.get("items")
    else:
        inner = shape.get("properties", {}).get(step) or shape.get("additionalProperties")
    if isinstance(inner, dict):
        yield from _alternatives(inner)
