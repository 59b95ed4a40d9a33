"""What an operator gives a preset: credentials and variables, checked before anything is called."""

from collections.abc import Iterable, Mapping

from proxy.apps.closest import suggestion
from proxy.apps.preset import Preset
from proxy.apps.template import Json
from proxy.errors import Problem


def check_use(preset: Preset, credentials: Iterable[str], variables: Iterable[str]) -> tuple[Problem, ...]:
    """Every mistake in the names: a credential or variable that the preset does not ask for, or a credential it lacks.

    The paths are those of the configuration (`app.credentials.token`); the line is for whoever knows the file.
    """
    asked, given = preset.authentication.credentials, frozenset(credentials)
    return (
        *(_lacking(preset, name) for name in sorted(asked - given)),
        *(_unknown("credentials", name, asked) for name in sorted(given - asked)),
        *(
            _unknown("variables", name, preset.variables)
            for name in sorted(set(variables) - set(preset.variables))
        ),
    )


def _lacking(preset: Preset, name: str) -> Problem:
    return Problem(path=f"app.credentials.{name}", line=None, message=f"the preset for {preset.app} needs it")


def _unknown(section: str, name: str, known: Iterable[str]) -> Problem:
    names = sorted(known)
    there = f"; it asks for {', '.join(names)}" if names else "; it asks for none"
    return Problem(
        path=f"app.{section}.{name}",
        line=None,
        message=f"the preset does not ask for it{suggestion(name, names)}{there}",
    )


def variables_for(preset: Preset, given: Mapping[str, Json]) -> dict[str, Json]:
    """The preset's variables with the operator's values over them."""
    return {**preset.variables, **given}
