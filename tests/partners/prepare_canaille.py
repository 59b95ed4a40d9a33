"""Installs canaille into the cache folder. Safe to repeat: `python3 prepare_canaille.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.partners.environments import Environment, prepare

SOURCE = Path(__file__).with_name("canaille-recipe")
ENVIRONMENT = Environment(name="canaille", source=SOURCE, recipe=(SOURCE / "requirements.txt",))


def make() -> Path:
    return ENVIRONMENT.make(lambda folder: None)


if __name__ == "__main__":
    sys.exit(prepare("canaille", make))
