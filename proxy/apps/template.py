"""Placeholders in the requests of a preset: `{account}`, `{first_name|login:30}`, `{last_name|'-'}`, `{variables.language}`.

    {name}          the value of that name
    {a|b|'text'}    the first that is known, else the text
    {a:30}          at most 30 characters
    {a:int}         as a whole number

A text that is exactly one placeholder keeps the value's type, or is left out by whoever renders it when nothing is known.
Inside a longer text nothing known is an error: half a path is never sent. There is no escape for braces.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Values: TypeAlias = Mapping[str, Json]

_BRACED = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z_]+(\.[A-Za-z_][A-Za-z0-9_]*)?")
_INSIDE = re.compile(r"(?P<names>[^:|']+(?:\|[^:|']+)*)(?:\|'(?P<fallback>[^']*)')?(?::(?P<form>int|\d+))?")


class Unrendered(ValueError):
    """A text that cannot be written with what is known. Its message names the placeholder, never a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """One `{…}`: the names to try in order, the text when none is known, and the form it is written in."""

    names: tuple[str, ...]
    fallback: str | None = None
    is_number: bool = False
    longest: int | None = None

    def value(self, values: Values) -> Json:
        """The first value that is neither None nor empty; else the fallback, which may be None."""
        known = (values.get(name) for name in self.names)
        found = next((value for value in known if value is not None and value != ""), self.fallback)
        return found if found is None else self._formed(found)

    def _formed(self, found: Json) -> Json:
        if self.is_number:
            return _as_number(found, self.names[0])
        return str(found)[: self.longest] if self.longest is not None else found


def _as_number(found: Json, name: str) -> int:
    try:
        return int(str(found))
    except ValueError:
        raise Unrendered(f"{{{name}:int}} is not a whole number") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text with placeholders, taken apart once."""

    source: str
    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> Iterator[Placeholder]:
        return (part for part in self.parts if isinstance(part, Placeholder))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for part in self.placeholders for name in part.names)

    def is_known(self, values: Values) -> bool:
        """Whether every placeholder has something to be written."""
        return all(part.value(values) is not None for part in self.placeholders)

    def value(self, values: Values) -> Json:
        """The value with its type when the text is exactly one placeholder (None: nothing known); else the text."""
        match self.parts:
            case (Placeholder() as only,):
                return only.value(values)
            case _:
                return self.text(values)

    def text(self, values: Values) -> str:
        return "".join(part if isinstance(part, str) else _written(part, values) for part in self.parts)


def _written(part: Placeholder, values: Values) -> str:
    return as_text(part.value(values), part.names[0])


def as_text(value: Json, name: str) -> str:
    """The value as it stands in a text; raises Unrendered for nothing known, lists, mappings and what is not Unicode."""
    match value:
        case None | list() | dict():
            raise Unrendered(f"nothing is known for {{{name}}}")
        case bool():
            return "true" if value else "false"
        case str() if any("\ud800" <= sign <= "\udfff" for sign in value):
            raise Unrendered(f"{{{name}}} is not Unicode text")
        case _:
            return str(value)


def parse_template(source: str) -> Template:
    """The text taken apart; ValueError says which placeholder is malformed."""
    parts: list[str | Placeholder] = []
    end = 0
    for found in _BRACED.finditer(source):
        parts += [_plain(source[end : found.start()]), _parse_placeholder(found[1])]
        end = found.end()
    parts.append(_plain(source[end:]))
    return Template(source=source, parts=tuple(part for part in parts if part != ""))


def _plain(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError(f"a brace without its pair in “{text.strip()}”")
    return text


def _parse_placeholder(inside: str) -> Placeholder:
    found = _INSIDE.fullmatch(inside.strip())
    names = tuple(name.strip() for name in found["names"].split("|")) if found else ()
    if found is None or not all(_NAME.fullmatch(name) for name in names):
        raise ValueError(
            f"“{{{inside}}}” is no placeholder: write {{name}}, {{name|other|'text'}} or {{name:30}}"
        )
    form = found["form"]
    return Placeholder(
        names=names,
        fallback=found["fallback"],
        is_number=form == "int",
        longest=int(form) if form and form != "int" else None,
    )
