"""A YAML text with the line of every key, so that a mistake is told with its place."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from proxy.errors import Problem, SettingsError

Place = tuple[str | int, ...]


def read_yaml(text: str, *, source: str) -> CommentedMap:
    """The document, which must be one mapping; SettingsError with the line otherwise."""
    try:
        document = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise SettingsError((_problem(line, str(error.problem or "no YAML")),), source=source) from None
    except YAMLError as error:
        raise SettingsError((_problem(None, f"no YAML: {type(error).__name__}"),), source=source) from None
    if not isinstance(document, CommentedMap):
        raise SettingsError((_problem(1, "a mapping of keys is expected"),), source=source)
    return document


def _problem(line: int | None, message: str) -> Problem:
    return Problem(path="", line=line, message=message)


def plain(node: Any) -> Any:
    """The document as plain dicts, lists and scalars."""
    match node:
        case dict():
            return {key: plain(value) for key, value in node.items()}
        case list():
            return [plain(value) for value in node]
        case bool() | None:
            return node
        case int():
            return int(node)
        case float():
            return float(node)
        case str():
            return str(node)
        case _:
            return node


def locate(document: CommentedMap, place: Place) -> tuple[Place, int | None]:
    """The steps of `place` that stand in the document, and the line of the last one that does.

    pydantic puts the tag of a union among the steps; it stands nowhere and is left out.
    """
    node: Any = document
    line: int | None = None
    steps: list[str | int] = []
    for step in place:
        found = _line_of(node, step)
        if found is not None:
            node, line = node[step], found
            steps.append(step)
    return tuple(steps), line


def _line_of(node: Any, step: str | int) -> int | None:
    if isinstance(node, CommentedMap) and step in node:
        return int(node.lc.key(step)[0]) + 1
    if isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
        return int(node.lc.item(step)[0]) + 1
    return None
