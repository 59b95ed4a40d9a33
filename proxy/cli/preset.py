"""The preset that a configuration names, checked against what the configuration gives it."""

from dataclasses import replace
from pathlib import Path

from proxy.apps.preset import Preset
from proxy.apps.preset_file import load_preset
from proxy.apps.preset_use import check_use
from proxy.errors import SettingsError
from proxy.settings.model import Settings


def chosen_preset(settings: Settings, path: Path) -> Preset | None:
    """The preset of `app`, None without it. Raises SettingsError with every mistake, those of its use included."""
    if settings.app is None:
        return None
    preset = load_preset(settings.app.preset, path.parent)
    problems = check_use(preset, settings.app.credentials, settings.app.variables)
    if problems:
        located = (replace(problem, line=settings.line_of(problem.path)) for problem in problems)
        raise SettingsError(tuple(located), source=str(path))
    return preset


def logins_of(preset: Preset | None) -> tuple[str, ...]:
    """The preset's patterns for a newcomer's login."""
    return tuple(pattern.source for pattern in preset.create.logins) if preset and preset.create else ()
