"""Presets from files: those that come with the program (`config/apps`) and an operator's own."""

import types
from collections.abc import Iterator, Set
from importlib import resources
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml.comments import CommentedMap

from proxy.apps.closest import suggestion
from proxy.apps.preset import Preset
from proxy.apps.yaml_source import Place, locate, plain, read_yaml
from proxy.errors import Problem, SettingsError

_SUFFIXES = (".yaml", ".yml")


def load_preset(name_or_path: str, base_dir: Path) -> Preset:
    """The preset of that name, or the file at that path (relative to `base_dir`); SettingsError with every mistake."""
    if _is_path(name_or_path):
        return parse_preset(_read_file(base_dir / name_or_path), source=name_or_path)
    names = preset_names()
    if name_or_path not in names:
        message = f"there is no preset “{name_or_path}”{suggestion(name_or_path, names)}; there are {', '.join(names)}"
        raise SettingsError((Problem(path="", line=None, message=message),), source=name_or_path)
    text = (resources.files("config") / "apps" / f"{name_or_path}.yaml").read_text("utf-8")
    return parse_preset(text, source=f"{name_or_path}.yaml")


def preset_names() -> tuple[str, ...]:
    """The presets that come with the program."""
    files = (entry.name for entry in (resources.files("config") / "apps").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml")))


def _is_path(name_or_path: str) -> bool:
    return "/" in name_or_path or name_or_path.endswith(_SUFFIXES)


def _read_file(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no UTF-8 text"
        message = f"the preset cannot be read: {reason}"
        raise SettingsError((Problem(path="", line=None, message=message),), source=str(path)) from None


def parse_preset(text: str, *, source: str = "") -> Preset:
    """The preset in a YAML text; SettingsError carries every mistake with its line."""
    document = read_yaml(text, source=source)
    content = plain(document)
    try:
        return Preset.model_validate(content)
    except ValidationError as error:
        details = [*error.errors(include_url=False)]
    details += [each for each in _hidden(content, details) if each not in details]
    problems = [_problem(document, detail) for detail in details if not _follows(detail, details)]
    raise SettingsError(tuple(dict.fromkeys(problems)), source=source)


def _hidden(content: Any, details: list[ErrorDetails]) -> list[ErrorDetails]:
    """What is said only once every unknown key is out: a section with one is not looked at any further."""
    for detail in details:
        if detail["type"] == "extra_forbidden":
            _take_out(content, detail["loc"])
    try:
        Preset.model_validate(content)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _take_out(node: Any, place: Place) -> None:
    """Steps that stand nowhere are tags of a union."""
    for step in place[:-1]:
        if isinstance(node, dict):
            node = node.get(step, node)
        elif isinstance(node, list) and isinstance(step, int):
            node = node[step]
    if isinstance(node, dict):
        node.pop(place[-1], None)


def _follows(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether it only follows from another: a list whose items are wrong is also “too short”."""
    place = detail["loc"]
    return detail["type"] == "too_short" and any(
        each["loc"][: len(place)] == place for each in details if each is not detail
    )


def _problem(document: CommentedMap, detail: ErrorDetails) -> Problem:
    place: Place = detail["loc"]
    steps, line = locate(document, place)
    message = _sentence(detail, place)
    missing = detail["type"] == "missing"
    path = (*steps, place[-1]) if missing and place else steps
    return Problem(path=_dotted(path), line=line, message=message)


def _dotted(path: Place) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _sentence(detail: ErrorDetails, place: Place) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key “{place[-1]}”{suggestion(str(place[-1]), _keys_at(place[:-1]))}"
        case "missing":
            return "is missing"
        case "value_error":
            return detail["msg"].removeprefix("Value error, ")
        case _:
            return detail["msg"]


def _keys_at(place: Place) -> Set[str]:
    """The keys that a preset may hold there: the union over the kinds where there are several."""
    models: list[type[BaseModel]] = [Preset]
    for step in place:
        found = [model for each in models for model in _models_below(each, step)]
        models = found or models
    return {key for model in models for key in model.model_fields}


def _models_below(model: type[BaseModel], step: str | int) -> Iterator[type[BaseModel]]:
    field = model.model_fields.get(str(step))
    if field is not None:
        yield from _models_in(field.annotation)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in {Union, types.UnionType, tuple} or hasattr(annotation, "__metadata__"):
        for argument in get_args(annotation):
            yield from _models_in(argument)
