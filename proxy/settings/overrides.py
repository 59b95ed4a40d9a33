"""Single settings from the environment: `MUSTER__LIMITS__DRAIN_TIMEOUT=5s` stands for `limits: {drain_timeout: 5s}`.

Two underscores divide the steps, an item of a list is named by its number (`MUSTER__IDPS__0__CLIENT_ID`), and a variable wins
over the file. Only single values can be set; `null` clears one that may be absent.
"""

import os
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from proxy.errors import Problem
from proxy.settings.document import Loc
from proxy.settings.shape import names_at, nearest, shapes_at, types_at

PREFIX: Final = "MUSTER__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overridden:
    """A tree with the environment's values in it, and which variable set what."""

    tree: Any
    variables: dict[Loc, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def override(tree: Any, environ: Mapping[str, str]) -> Overridden:
    """A changed copy of `tree`. A variable that names no setting, or does not fit its place, is a problem."""
    changed, variables, problems = deepcopy(tree), {}, []
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        loc = _loc(variable)
        message = _unknown(loc) or _place(changed, loc, environ[variable])
        if message is None:
            variables[loc] = variable
        else:
            problems.append(Problem(path=variable, line=None, message=message))
    return Overridden(tree=changed, variables=variables, problems=tuple(problems))


def variable_of(loc: Loc) -> str:
    """The variable that sets the value at `loc`."""
    return PREFIX + "__".join(str(step).upper() for step in loc)


def environment() -> Mapping[str, str]:
    """A copy of the process's environment; only the settings look into it."""
    return dict(os.environ)


def is_debugging(environ: Mapping[str, str]) -> bool:
    """Whether a bug may show its traceback: `MUSTER_DEBUG=1`."""
    return environ.get("MUSTER_DEBUG", "") == "1"


def _loc(variable: str) -> Loc:
    steps = variable.removeprefix(PREFIX).lower().split("__")
    return tuple(int(step) if step.isdigit() else step for step in steps)


def _unknown(loc: Loc) -> str | None:
    for end in range(1, len(loc) + 1):
        if not shapes_at(loc[:end]):
            near = nearest(str(loc[end - 1]), names_at(loc[: end - 1]))
            meant = variable_of((*loc[: end - 1], near, *loc[end:])) if near else None
            return "there is no such setting" + (f"; did you mean {meant}?" if meant else "")
    return None


def _place(tree: Any, loc: Loc, text: str) -> str | None:
    """Writes the value into the tree; a sentence when it cannot be."""
    types = types_at(loc)
    if not types & {"string", "integer", "boolean"}:
        return "this is not a single value; write it in the file"
    parent = _parent(tree, loc)
    match parent, loc[-1]:
        case None, _:
            return "the file has something else in this place, or no item of this number"
        case list(), int(index) if index == len(parent):
            parent.append(None)
    parent[loc[-1]] = _value(text, types)
    return None


def _value(text: str, types: frozenset[str]) -> Any:
    """The text as what its place takes; text that does not fit stays text, and validation says so."""
    if "null" in types and text in ("", "null"):
        return None
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if "integer" in types and re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    return text


def _parent(tree: Any, loc: Loc) -> Any:
    """The dict or list that holds the last step, made where it is absent; None where something else stands in the way."""
    here = tree
    for step, following in pairwise(loc):
        if not _fits(here, step):
            return None
        if isinstance(step, int) and step == len(here):
            here.append(None)
        if isinstance(step, str):
            here.setdefault(step, None)
        if here[step] is None:
            here[step] = [] if isinstance(following, int) else {}
        here = here[step]
    return here if _fits(here, loc[-1]) else None


def _fits(here: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(here, list) and step <= len(here)
    return isinstance(here, dict)
