"""What a mistake is called: pydantic's findings as sentences that say what to write.

No value is ever repeated: it may be a secret.
"""

from collections.abc import Iterable
from typing import Any

from pydantic_core import ErrorDetails

from proxy.settings.document import Loc
from proxy.settings.shape import homes, names_at, nearest, types_at

_SENTENCES = {
    "missing": "this is required",
    "bool_type": "write true or false",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "tuple_type": "write a list",
    "dict_type": "write `name: value` lines",
    "model_type": "write `name: value` lines",
    "string_too_short": "write some text",
    "too_short": "name at least one",
    "greater_than_equal": "write {ge} or more",
    "less_than_equal": "write {le} or less",
    "string_too_long": "write at most {max_length} characters",
    "string_pattern_mismatch": "write 1 to 32 small letters, digits, - and _, beginning with a letter or digit",
}


def causes(errors: Iterable[ErrorDetails]) -> list[ErrorDetails]:
    """The findings without those that only follow from another: a list is "empty" because its items are wrong."""
    errors = list(errors)
    return [error for error in errors if not _is_consequence(error, errors)]


def _is_consequence(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    loc = error["loc"]
    return error["type"] == "default_factory_not_called" or (
        error["type"] == "too_short"
        and any(other["loc"][: len(loc)] == loc != other["loc"] for other in errors)
    )


def sentence(error: ErrorDetails) -> str:
    """What is wrong, and what to write."""
    context: dict[str, Any] = error.get("ctx", {})
    loc: Loc = error["loc"]
    match error["type"]:
        case "value_error":
            return str(context["error"])
        case "extra_forbidden":
            return _unknown(loc)
        case "literal_error":
            return _choice(error.get("input"), str(context["expected"]))
        case "string_type":
            return _text(error.get("input"), loc)
        case kind if kind in _SENTENCES:
            return _SENTENCES[kind].format_map(context)
    return error["msg"]


def _unknown(loc: Loc) -> str:
    name = str(loc[-1])
    if near := nearest(name, names_at(loc[:-1])):
        return f"there is no such setting; did you mean `{near}`?"
    if len(loc) == 1 and len(places := homes(name)) in (1, 2):
        return f"there is no such setting here; it belongs to `{'` or `'.join(places)}`"
    names = names_at(loc[:-1])
    return "there is no such setting" + (f"; here stand {', '.join(names)}" if len(names) <= 10 else "")


def _choice(given: object, expected: str) -> str:
    words = tuple(word.strip("'") for word in expected.replace(" or ", ", ").split(", "))
    near = nearest(given, words) if isinstance(given, str) else None
    return f"write one of {', '.join(words)}" + (f"; did you mean {near}?" if near else "")


def _text(given: object, loc: Loc) -> str:
    if given is None:
        return (
            "write some text here, or leave the setting out"
            if "null" not in types_at(loc)
            else "write some text"
        )
    return "write text, in quotes where YAML would read something else"
