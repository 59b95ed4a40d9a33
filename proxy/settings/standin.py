"""What is looked at when a configuration is broken: the same tree with unknown settings left out, and something harmless
in the place of every section that does not stand. So the contradictions among the sound sections are still found.
"""

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any, Final

from pydantic_core import ErrorDetails

from proxy.settings.document import Loc
from proxy.settings.text import IDP_NAME

_HARMLESS: Final[dict[str | int, Any]] = {
    "public_url": "https://stand-in.invalid",
    "upstream": {"url": "http://stand-in.invalid"},
    "app": {"preset": "stand-in", "url": "http://stand-in.invalid"},
}


def broken_roots(errors: Iterable[ErrorDetails]) -> frozenset[Loc]:
    """The sections (of `idps` the items) with a mistake that says more than that a name is unknown."""
    return frozenset(
        _root(error["loc"]) for error in errors if error["type"] != "extra_forbidden" and error["loc"]
    )


def mended(tree: dict[str, Any], errors: Iterable[ErrorDetails]) -> dict[str, Any]:
    """A copy of the tree that can be looked at."""
    errors = tuple(errors)
    copy = deepcopy(tree)
    for error in errors:
        if error["type"] == "extra_forbidden":
            _drop(copy, error["loc"])
    for root in broken_roots(errors):
        _replace(copy, root)
    return copy


def is_inside(loc: Loc, roots: frozenset[Loc]) -> bool:
    """Whether `loc` stands in one of the broken sections."""
    return any(loc[: len(root)] == root for root in roots)


def _root(loc: Loc) -> Loc:
    return loc[:2] if loc[0] == "idps" else loc[:1]


def _drop(tree: Any, loc: Loc) -> None:
    for step in loc[:-1]:
        tree = tree[step]
    tree.pop(loc[-1], None)


def _replace(tree: dict[str, Any], root: Loc) -> None:
    match root:
        case ("idps", int(index)):
            tree["idps"][index] = _idp(index, tree["idps"][index])
        case ("idps",):
            tree["idps"] = [_idp(0, None)]
        case (str(section),) if section in _HARMLESS:
            tree[section] = _HARMLESS[section]
        case (str(section),):
            tree.pop(section, None)


def _idp(index: int, written: Any) -> dict[str, Any]:
    """An IdP that keeps its id, since links may name it."""
    own = written.get("id") if isinstance(written, dict) else None
    name = own if isinstance(own, str) and re.fullmatch(IDP_NAME, own) else f"stand-in-{index}"
    return {"id": name, "issuer": f"https://stand-in-{index}.invalid", "client_id": "stand-in"}
