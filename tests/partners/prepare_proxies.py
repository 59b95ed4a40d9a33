"""Brings Caddy, Envoy and Traefik into the cache folder. Safe to repeat: `python3 prepare_proxies.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.partners.environments import Environment, Missing, prepare

SOURCE = Path(__file__).with_name("proxies-recipe")
ENVIRONMENT = Environment(name="proxies", source=SOURCE, recipe=(SOURCE / "requirements.txt",))
PLACES = {
    "caddy": "venv/bin/caddy",
    "envoy": "venv/lib/python*/site-packages/envoy/_bin/envoy",
    "traefik": "venv/bin/traefik",
}


def make() -> Path:
    return ENVIRONMENT.make(_check)


def program(folder: Path, name: str) -> Path:
    """Where `caddy`, `envoy` or `traefik` is in this environment; raises Missing."""
    found = next(folder.glob(PLACES[name]), None)
    if found is None:
        raise Missing(f"the packages brought no {name} for this machine into {folder}")
    return found


def _check(folder: Path) -> None:
    for name in PLACES:
        program(folder, name)


if __name__ == "__main__":
    sys.exit(prepare("Caddy, Envoy and Traefik", make))
