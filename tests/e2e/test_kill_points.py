"""Couriers killed in the middle, seeded; `make proof NAME=kill_points` (or `kill_points_redis`) kills at five hundred points."""

import subprocess
import sys
from pathlib import Path

from tests.partners.redis_servers import need, redis_program

ROOT = Path(__file__).parents[2]


def killed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own, which may fork: it has no threads."""
    return subprocess.run(
        [sys.executable, "-m", "proof.kill_points", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_courier_killed_anywhere_loses_nothing_and_doubles_nothing() -> None:
    done = killed("25")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 with something lost or doubled" in done.stdout


def test_a_courier_killed_anywhere_loses_nothing_on_redis() -> None:
    need(redis_program)
    done = killed("--redis", "10")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 runs, " in done.stdout
    assert "0 with something lost or doubled" in done.stdout
