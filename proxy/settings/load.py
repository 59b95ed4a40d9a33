"""From a file and the environment to `Settings`, or to every mistake in one go.

    text ─ document ─ override ─ validate ─ checks ─▶ Settings (with warnings)
              └──────────┴──────────┴─────────┴─────▶ SettingsError (all of them, in the order of the file)

Values are checked first and alone; what contradicts is then looked for among the sections that stand, with a harmless
section in the place of each that does not, so that one mistake hides no other.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from proxy.errors import Problem, SettingsError
from proxy.settings.checks import mistakes
from proxy.settings.document import Document, Loc, dotted, read_document
from proxy.settings.doubts import doubts
from proxy.settings.model import Settings
from proxy.settings.overrides import Overridden, override
from proxy.settings.section import Reading
from proxy.settings.standin import broken_roots, is_inside, mended
from proxy.settings.wording import causes, sentence

_LARGEST = 4 * 1024 * 1024


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """The configuration of a file. Raises SettingsError with every mistake."""
    text = _read(path)
    return parse(text, folder=path.resolve().parent, environ=environ, source=str(path))


def parse(text: str, *, folder: Path, environ: Mapping[str, str], source: str = "") -> Settings:
    """The configuration of a YAML text; relative paths start in `folder`. Raises SettingsError with every mistake."""
    document = read_document(text)
    if document.problems and not document.tree:  # what is missing then is no mistake of its own
        raise SettingsError(document.problems, source=source)
    return _settings(document, Reading(folder=folder, environ=environ), source)


def from_mapping(tree: Mapping[str, Any], *, folder: Path, environ: Mapping[str, str]) -> Settings:
    """The configuration of plain values (dict, list, text, numbers), as the YAML would hold them."""
    return _settings(Document(tree=dict(tree)), Reading(folder=folder, environ=environ), "")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            raise _unreadable(path, "it is larger than 4 MiB")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be opened") from None
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"byte {error.start} is not UTF-8 text") from None


def _unreadable(path: Path, why: str) -> SettingsError:
    problem = Problem(path="", line=None, message=f"the configuration file {path} cannot be read: {why}")
    return SettingsError((problem,), source=str(path))


def _settings(document: Document, where: Reading, source: str) -> Settings:
    changed = override(document.tree, where.environ)
    settings, errors = _validated(changed.tree, where)
    found = [(error["loc"], sentence(error)) for error in errors]
    found += mistakes(settings) if settings else _among_the_sound(changed.tree, errors, where)
    problems = (*document.problems, *changed.problems, *_located(found, document, changed))
    if problems or settings is None:
        raise SettingsError(_in_order(problems), source=source)
    # Written once, before anybody sees the settings.
    settings._warnings = _located(doubts(settings), document, changed)
    settings._lines = {dotted(loc): line for loc, line in document.lines.items()}
    return settings


def _validated(tree: Any, where: Reading) -> tuple[Settings | None, list[ErrorDetails]]:
    # As JSON: there pydantic's strict mode takes lists for tuples, and a tree holds nothing that JSON cannot.
    try:
        return Settings.model_validate_json(json.dumps(tree), context=where), []
    except ValidationError as error:
        return None, causes(error.errors(include_url=False))


def _among_the_sound(tree: Any, errors: list[ErrorDetails], where: Reading) -> list[tuple[Loc, str]]:
    """Contradictions among the sections that stand."""
    settings, _ = _validated(mended(tree, errors), where)
    roots = broken_roots(errors)
    return [(loc, what) for loc, what in mistakes(settings) if not is_inside(loc, roots)] if settings else []


def _located(
    found: Iterable[tuple[Loc, str]], document: Document, changed: Overridden
) -> tuple[Problem, ...]:
    return tuple(_problem(loc, message, document, changed) for loc, message in found)


def _problem(loc: Loc, message: str, document: Document, changed: Overridden) -> Problem:
    variable = changed.variables.get(loc)
    return Problem(path=variable, line=None, message=message) if variable else document.problem(loc, message)


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda problem: (problem.line or 0, problem.path)))
