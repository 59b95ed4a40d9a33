"""Virtual environments of the partners that come from PyPI, made once in the cache folder and named by what they are made of.

Only the standard library, so that any Python may make them before ours exists. A virtual environment cannot be moved, so it is
made where it stays; nothing of it counts until `ready` is written, last.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


class Missing(Exception):
    """What is not installed, in one sentence."""


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "muster-tests"


@dataclass(frozen=True)
class Environment:
    """One partner's own place. `recipe` are the files it depends on; `requirements.txt` stands in `source`."""

    name: str
    source: Path
    recipe: tuple[Path, ...]

    @property
    def folder(self) -> Path:
        """Another Python, or another line in the recipe, makes another."""
        parts = [path.read_bytes() for path in self.recipe]
        digest = hashlib.sha256(b"\0".join([*parts, self._python().encode()])).hexdigest()[:16]
        return cache_folder() / f"{self.name}-{digest}"

    def _python(self) -> str:
        return f"{sys.version_info.major}.{sys.version_info.minor}"

    def ready(self) -> Path:
        """Where it is; raises Missing when it was not made."""
        if not (self.folder / "ready").exists():
            raise Missing(
                f"{self.name} is not in {self.folder}: run tests/partners/prepare.sh with this Python ({self._python()})"
            )
        return self.folder

    def make(self, further: Callable[[Path], None]) -> Path:
        """Made when it is not there; `further` does what comes after pip. Raises Missing when something fails."""
        with _alone(self.folder):
            if not (self.folder / "ready").exists():
                shutil.rmtree(self.folder, ignore_errors=True)
                self._install()
                further(self.folder)
                (self.folder / "ready").write_text("")
        return self.folder

    def _install(self) -> None:
        venv = self.folder / "venv"
        run([sys.executable, "-m", "venv", str(venv)])
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--requirement", str(self.source / "requirements.txt")])


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """One step of making it; raises Missing with what it printed last."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Missing(f"{' '.join(command[:5])} failed:\n{(done.stdout + done.stderr)[-2000:]}")


def prepare(name: str, make: Callable[[], Path]) -> int:
    """The exit code of a preparing script, with one line about what it did."""
    try:
        print(f"partners: {name} is ready in {make()}", flush=True)
    except Missing as error:
        print(f"partners: MISSING: {name}: {error}", flush=True)
        return 1
    return 0
