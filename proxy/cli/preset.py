"""The preset that a configuration names, checked against what the configuration gives it."""

from dataclasses import replace
from pathlib import Path

from proxy.apps.preset import Preset
from proxy.apps.preset_file import load_preset
from proxy.apps.preset_use import check_use
from proxy.errors import Problem, SettingsError
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


def check_protected(settings: Settings, preset: Preset | None, path: Path) -> None:
    """Where the preset cannot read whose the admin credential is, that account must be listed (semantics §6.5).

    Raises SettingsError where it is not, and the preset could archive or demote it, or take it out of a group.
    """
    if settings.app is None or preset is None or settings.app.protected or preset.whoami is not None:
        return
    if preset.archive is None and preset.set_role is None and preset.leave is None:
        return
    message = (
        f"the preset for {preset.app} cannot read whose account is behind app.credentials: "
        "list that account's login here (protected: [LOGIN]), or it could be archived or demoted like any other"
    )
    problem = Problem(
        path="app.protected",
        line=settings.line_of("app.protected") or settings.line_of("app"),
        message=message,
    )
    raise SettingsError((problem,), source=str(path))


def logins_of(preset: Preset | None) -> tuple[str, ...]:
    """The preset's patterns for a newcomer's login."""
    return tuple(pattern.source for pattern in preset.create.logins) if preset and preset.create else ()
