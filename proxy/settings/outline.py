"""The settings as a tree to write about: every setting's name, place, default, kind and description, read off the models."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from proxy.settings.document import Loc
from proxy.settings.model import Settings
from proxy.settings.section import Section
from proxy.settings.shape import schema

REQUIRED: Final = object()
"""The default of a setting that must be written."""

COMPUTED: Final = object()
"""The default of a setting that follows from others; its description says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One setting. `section` holds the settings inside it, if it has such; `is_list` = it is a list of those.

    `is_usual`: nearly every configuration writes it, though it may be left out.
    """

    loc: Loc
    name: str
    default: Any
    example: Any
    kind: str
    description: str
    section: type[Section] | None
    is_list: bool
    is_usual: bool

    @property
    def is_optional_section(self) -> bool:
        """A section (or list of sections) that is not there unless written, and seldom is."""
        return self.section is not None and self.default in (None, ()) and not self.is_usual


def entries(section: type[Section] = Settings, loc: Loc = (), given: Any = None) -> Iterator[Entry]:
    """The settings of one section, in order. `given` are values that the enclosing setting's default states."""
    properties = _properties(section)
    for name, field in section.model_fields.items():
        stated = given.get(name, None) if isinstance(given, dict) else None
        inner, is_list = _inner(field.annotation)
        default = _default(field) if stated is None else stated
        yield Entry(
            loc=(*loc, name),
            name=name,
            default=default,
            example=_example(field, default, inner),
            kind=kind_of(properties[name]),
            description=field.description or "",
            section=inner,
            is_list=is_list,
            is_usual="x-usual" in properties[name],
        )


def every_entry() -> Iterator[Entry]:
    """All settings at every depth, each section before its own settings."""
    yield from _deep(entries())


def _deep(some: Iterator[Entry]) -> Iterator[Entry]:
    for entry in some:
        yield entry
        if entry.section is not None:
            loc = (*entry.loc, "*") if entry.is_list else entry.loc
            yield from _deep(entries(entry.section, loc, entry.default))


def kind_of(shape: dict[str, Any]) -> str:
    """The reference's word for how a value is written: `duration`, `number from 1`, or its choices."""
    if "x-kind" in shape:
        return str(shape["x-kind"])
    if "anyOf" in shape:
        kinds = [kind_of(branch) for branch in shape["anyOf"] if branch.get("type") != "null"]
        return " or ".join(dict.fromkeys(kind for kind in kinds))
    if "enum" in shape:
        return ", ".join(f"`{word}`" for word in shape["enum"])
    if "const" in shape:
        return f"`{shape['const']}`"
    if "$ref" in shape:
        return "section"
    return _plain_kind(shape)


def _plain_kind(shape: dict[str, Any]) -> str:
    match shape.get("type"):
        case "boolean":
            return "`true`, `false`"
        case "integer":
            highest = f" to {shape['maximum']}" if "maximum" in shape else ""
            return f"number from {shape['minimum']}{highest}" if "minimum" in shape else "number"
        case "array":
            return "list of sections" if "$ref" in shape["items"] else "list"
        case "object":
            return "names and values"
    return "text"


def _properties(section: type[Section]) -> dict[str, Any]:
    whole = schema()
    shape = whole if section is Settings else whole["$defs"][section.__name__]
    properties: dict[str, Any] = shape["properties"]
    return properties


def _inner(annotation: Any) -> tuple[type[Section] | None, bool]:
    """The section that a field holds, and whether it holds a list of them. Values that are one setting are no section."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return (annotation, False) if annotation.__name__ != "AskAgainArchives" else (None, False)
    is_list = getattr(annotation, "__origin__", None) is tuple
    for argument in get_args(annotation):
        found, nested = _inner(argument)
        if found is not None:
            return found, is_list or nested
    return None, False


def _default(field: FieldInfo) -> Any:
    if field.default_factory is not None:
        return COMPUTED
    return REQUIRED if field.default is PydanticUndefined else field.default


def _example(field: FieldInfo, default: Any, inner: type[Section] | None) -> Any:
    if field.examples:
        return field.examples[0]
    return None if default in (REQUIRED, COMPUTED) or inner is not None else default
