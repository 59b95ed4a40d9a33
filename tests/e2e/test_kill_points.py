"""Twenty-five couriers killed in the middle, seeded; `make proof NAME=kill_points` kills at five hundred points."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_courier_killed_anywhere_loses_nothing_and_doubles_nothing() -> None:
    """In a process of its own, which may fork: it has no threads."""
    done = subprocess.run(
        [sys.executable, "-m", "proof.kill_points", "25"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 with something lost or doubled" in done.stdout
