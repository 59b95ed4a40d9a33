"""Installs JupyterHub and the proxy it needs into the cache folder. Safe to repeat: `python3 prepare_jupyterhub.py`."""

import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.partners.environments import Environment, Missing, cache_folder, prepare, run

SOURCE = Path(__file__).with_name("jupyterhub-recipe")
ENVIRONMENT = Environment(
    name="jupyterhub",
    source=SOURCE,
    recipe=(SOURCE / "requirements.txt", SOURCE / "package-lock.json"),
)


def make() -> Path:
    return ENVIRONMENT.make(_with_proxy)


def _with_proxy(folder: Path) -> None:
    path = os.pathsep.join([str(cache_folder() / "node" / "bin"), os.environ.get("PATH", "")])
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise Missing("npm is not there (tests/partners/prepare.sh brings it)")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(SOURCE / name, folder / name)
    run([npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, env={"PATH": path})


if __name__ == "__main__":
    sys.exit(prepare("JupyterHub", make))
