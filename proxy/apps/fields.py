"""Field types of a preset: templates, expressions, bodies and targets that are taken apart when the YAML is read."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, GetPydanticSchema, StrictInt, StringConstraints
from pydantic_core import CoreSchema, core_schema

from proxy.apps.expression import Expression, parse_expression
from proxy.apps.template import Template, parse_template

Tree: TypeAlias = "bool | int | float | Template | tuple[Tree, ...] | Mapping[str, Tree] | None"

QueryValue: TypeAlias = "Template | int | float | bool | Tree"

EACH = "each_"
"""How placeholders begin that stand for every value of a list."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Section(BaseModel):
    """One mapping of a preset; a key it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`GET /users/{account}.json`: the method and the path below the app's address."""

    method: str
    path: Template


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is expected; put it in quotes")  # noqa: TRY004 -- pydantic reports ValueError
    return value


def parse_target(value: Any) -> Target:
    method, _, path = _text(value).strip().partition(" ")
    if method not in METHODS or not path.startswith("/") or path.startswith("//"):
        raise ValueError(f"write a method and a path, such as GET /users/{{account}} ({', '.join(METHODS)})")
    if any(sign in path for sign in " ?#") or _has_dots(path):
        raise ValueError("the path holds no blanks, “?”, “#”, “.” or “..”; parameters belong in `query`")
    return Target(method=method, path=parse_template(path))


def _has_dots(path: str) -> bool:
    return any(part in {".", ".."} for part in path.split("/"))


def parse_parameter(value: Any) -> QueryValue:
    """A value of a query: a text with placeholders, a plain number or truth, or a mapping or list that is sent as JSON."""
    match value:
        case bool() | int() | float():
            return value
        case dict() | list():
            return parse_tree(value)
        case _:
            return parse_template(_text(value))


def parse_tree(value: Any, path: str = "") -> Tree:
    """A JSON body whose texts may hold placeholders; an error names the key below the body."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _leaf(value, path)
        case list():
            return tuple(parse_tree(item, f"{path}[{place}]") for place, item in enumerate(value))
        case dict():
            return {_text(key): parse_tree(item, f"{path}.{key}") for key, item in value.items()}
        case _:
            raise ValueError(f"{path.lstrip('.')}: JSON has no {type(value).__name__}; put it in quotes")


def _leaf(source: str, path: str) -> Template:
    try:
        return parse_template(source)
    except ValueError as error:
        raise ValueError(f"{path.lstrip('.')}: {error}" if path else str(error)) from None


def templates_in(tree: Tree) -> Iterator[Template]:
    match tree:
        case Template():
            yield tree
        case tuple():
            for item in tree:
                yield from templates_in(item)
        case Mapping():
            for item in tree.values():
                yield from templates_in(item)
        case _:
            pass


def each_name(tree: Tree) -> str | None:
    """The `each_…` placeholder that a tree names, if any."""
    names = (name for template in templates_in(tree) for name in template.names)
    return next((name for name in names if name.startswith(EACH)), None)


def lists_in(tree: Tree) -> Iterator[tuple[Tree, ...]]:
    """Every list of the tree, an outer one before those in it."""
    match tree:
        case tuple():
            yield tree
            for item in tree:
                yield from lists_in(item)
        case Mapping():
            for item in tree.values():
                yield from lists_in(item)
        case _:
            pass


def compiled(pattern: str) -> re.Pattern[str]:
    """A regular expression of a preset; ValueError says what is wrong with it."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"“{pattern}” is no regular expression: {error}") from None


def _parsed(parse: Callable[[Any], Any]) -> GetPydanticSchema:
    def schema(_source: Any, _handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(parse)

    return GetPydanticSchema(schema)


TemplateField: TypeAlias = Annotated[Template, _parsed(lambda value: parse_template(_text(value)))]
ParameterField: TypeAlias = Annotated[Any, _parsed(parse_parameter)]
ExpressionField: TypeAlias = Annotated[Expression, _parsed(lambda value: parse_expression(_text(value)))]
TargetField: TypeAlias = Annotated[Target, _parsed(parse_target)]
HeaderName: TypeAlias = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
]
BodyField: TypeAlias = Annotated[Any, _parsed(parse_tree)]
Status: TypeAlias = StrictInt
