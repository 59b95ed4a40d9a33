"""The YAML file as a tree of plain values, with the line of every key: what a mistake's message points at.

YAML 1.2 with its core types only; dates stay text. Keys are text and unique; anchors and aliases work, merge keys (`<<`) do not.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from proxy.errors import Problem

Loc: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead to a value."""

_TAG: Final = "tag:yaml.org,2002:"
_INT: Final = re.compile(r"[-+]?(0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+)")
_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`tree` holds dict, list, str, int, float, bool and None; `lines` counts from 1; `problems` is what YAML itself forbids."""

    tree: Any
    lines: dict[Loc, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def problem(self, loc: Loc, message: str) -> Problem:
        """A mistake at `loc`, with the line of its nearest key that is written in the file."""
        line = next(
            (self.lines[loc[:end]] for end in range(len(loc), 0, -1) if loc[:end] in self.lines), None
        )
        return Problem(path=dotted(loc), line=line, message=message)


def dotted(loc: Loc) -> str:
    """`idps[0].client_id`"""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
    return "".join(steps).removeprefix(".")


def read_document(text: str) -> Document:
    """The tree of one YAML document; an empty one is an empty mapping."""
    try:
        node: Node | None = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        return _broken(error)
    except (YAMLError, RecursionError) as error:
        return Document(
            tree={},
            problems=(Problem(path="", line=None, message=f"this is not YAML: {_first(str(error))}"),),
        )
    if node is None or (isinstance(node, ScalarNode) and node.value == "" and node.style is None):
        return Document(tree={})
    if not isinstance(node, MappingNode):
        line = node.start_mark.line + 1
        return Document(
            tree={}, problems=(Problem(path="", line=line, message="write settings as `name: value` lines"),)
        )
    builder = _Builder()
    tree = builder.build(node, ())
    return Document(tree=tree, lines=builder.lines, problems=tuple(builder.problems))


def _broken(error: MarkedYAMLError) -> Document:
    mark = error.problem_mark or error.context_mark
    what = _first(error.problem or error.context or "it cannot be read")
    line = mark.line + 1 if mark is not None else None
    return Document(tree={}, problems=(Problem(path="", line=line, message=f"this is not YAML: {what}"),))


def _first(text: str) -> str:
    return text.strip().split("\n", 1)[0]


class _Builder:
    """Walks the nodes once and notes lines and problems on the way."""

    def __init__(self) -> None:
        self.lines: dict[Loc, int] = {}
        self.problems: list[Problem] = []

    def build(self, node: Node, loc: Loc) -> Any:
        if len(loc) > _DEEPEST:
            self._note(node, loc[:4], "this is nested too deeply (or an alias contains itself)")
            return None
        match node:
            case MappingNode():
                return self._mapping(node, loc)
            case SequenceNode():
                return [self._item(item, (*loc, index)) for index, item in enumerate(node.value)]
            case ScalarNode():
                return self._scalar(node, loc)
        raise AssertionError(f"YAML has no other nodes than these: {type(node)}")

    def _item(self, node: Node, loc: Loc) -> Any:
        self.lines[loc] = node.start_mark.line + 1
        return self.build(node, loc)

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for key, value in node.value:
            name = self._key(key, loc)
            if name is None:
                continue
            if name in tree:
                self._note(
                    key,
                    (*loc, name),
                    f"`{name}` stands here twice (first in line {self.lines[(*loc, name)]})",
                )
                continue
            self.lines[(*loc, name)] = key.start_mark.line + 1
            tree[name] = self.build(value, (*loc, name))
        return tree

    def _key(self, key: Node, loc: Loc) -> str | None:
        if not isinstance(key, ScalarNode):
            self._note(key, loc, "a setting's name must be plain text")
            return None
        if key.value == "<<" and key.style is None:
            self._note(
                key,
                loc,
                "merge keys (<<) are not supported; write the settings out, or use an alias for a whole section",
            )
            return None
        return str(key.value)

    def _scalar(self, node: ScalarNode, loc: Loc) -> Any:
        text, tag = str(node.value), str(node.tag)
        match tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" if _INT.fullmatch(text):
                return int(text) if text.lstrip("+-").isdigit() else int(text, 0)
            case "float" if re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", text):
                return float(text)
        if tag.startswith("!") and tag != "!":
            self._note(node, loc, f"the YAML tag {tag} is not supported")
        return text

    def _note(self, node: Node, loc: Loc, message: str) -> None:
        self.problems.append(Problem(path=dotted(loc), line=node.start_mark.line + 1, message=message))
