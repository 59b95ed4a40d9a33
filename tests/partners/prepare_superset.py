"""Installs Superset into the cache folder, with the database that tests copy. Safe to repeat: `python3 prepare_superset.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.partners.environments import Environment, prepare, run

SOURCE = Path(__file__).with_name("superset-recipe")
CONFIGURATION = SOURCE / "configuration.txt"
ADMIN, PASSWORD = "admin", "only-for-Tests-1"
ENVIRONMENT = Environment(name="superset", source=SOURCE, recipe=(SOURCE / "requirements.txt", CONFIGURATION))


def environment_of(folder: Path, place: Path) -> dict[str, str]:
    """What Superset needs to run in `place`."""
    return {
        "SUPERSET_CONFIG_PATH": str(place / "superset_config.py"),
        "SUPERSET_HOME": str(place),
        "FLASK_APP": "superset.app:create_app",
        "PATH": f"{folder / 'venv' / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(place),
    }


def make() -> Path:
    return ENVIRONMENT.make(_with_database)


def _with_database(folder: Path) -> None:
    template = folder / "template"
    template.mkdir()
    (template / "superset_config.py").write_text(CONFIGURATION.read_text())
    env, superset = environment_of(folder, template), str(folder / "venv" / "bin" / "superset")
    person = ["--username", ADMIN, "--firstname", "Ada", "--lastname", "Min", "--email", "admin@example.com"]
    run([superset, "db", "upgrade"], cwd=template, env=env)
    run([superset, "fab", "create-admin", *person, "--password", PASSWORD], cwd=template, env=env)
    run([superset, "init"], cwd=template, env=env)


if __name__ == "__main__":
    sys.exit(prepare("Superset", make))
