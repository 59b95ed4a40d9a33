"""`python -m proof [NAME]`: stream (STREAM=1GiB), slow, sockets (SOCKETS=9000 IDLE=10000), websockets, fuzz (FUZZ=1000000),
planted, laws, full_look, mass_change, kill_points and kill_points_redis (KILLS=500), restart (REQUESTS=100000),
replicas (PARALLEL=1000), mixups (REQUESTS=1000000), storm (SESSIONS=10000 WINDOW=60), on Redis or by STORE=sqlite.

All of them without a name.
"""

import os
import subprocess
import sys
from collections.abc import Callable

from proof import full_look, fuzz, kill_points, mass_change, planted, slow, sockets, stream


def websockets() -> int:
    """A client suite of frames, to an app directly and through Muster."""
    return _pytest("tests/e2e/test_websocket_suite.py")


def laws() -> int:
    """Every law, with many more examples than `make test` has time for."""
    return _pytest("tests/laws", HYPOTHESIS_PROFILE="proof")


def replicas() -> int:
    """Three Musters on one store: a thousand requests of one session that is due, and replicas that die."""
    return _pytest("tests/e2e/test_replicas.py", PARALLEL=os.environ.get("PARALLEL", "1000"))


def mixups() -> int:
    """A hundred people's requests over shared connections; every answer must be its asker's."""
    return _pytest("tests/e2e/test_mixups.py", "-s", REQUESTS=os.environ.get("REQUESTS", "1000000"))


def storm() -> int:
    """Ten thousand sessions that fall due within a minute: one question each, and people served meanwhile."""
    figures = {name: os.environ.get(name, usual) for name, usual in (("SESSIONS", "10000"), ("WINDOW", "60"))}
    return _pytest("tests/e2e/test_storm.py", "-s", **figures)


def restart() -> int:
    """Reloads and restarts under load, of one process, of two that overlap, and of workers: no request may fail."""
    requests = os.environ.get("REQUESTS", "100000")
    paths = ("tests/e2e/test_reload.py", "tests/e2e/test_workers.py", "tests/e2e/test_restart.py")
    chosen = "under_load or fails_no_request or fail_no_request"
    return max(_pytest(path, "-k", chosen, "-s", REQUESTS=requests) for path in paths)


def _pytest(path: str, *options: str, **environment: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "pytest", path, *options],
        env={"STORE": "redis", **os.environ, **environment},
        check=False,
    ).returncode


PROOFS: dict[str, Callable[[], int]] = {
    "stream": lambda: stream.main([os.environ.get("STREAM") or "1GiB"]),
    "slow": lambda: slow.main([]),
    "sockets": lambda: sockets.main([os.environ.get("SOCKETS") or "9000", os.environ.get("IDLE") or "10000"]),
    "websockets": websockets,
    "fuzz": lambda: fuzz.main([os.environ.get("FUZZ") or "1000000"]),
    "planted": lambda: planted.main([]),
    "laws": laws,
    "replicas": replicas,
    "mixups": mixups,
    "storm": storm,
    "restart": restart,
    "full_look": lambda: full_look.main([]),
    "mass_change": lambda: mass_change.main([]),
    "kill_points": lambda: kill_points.main([os.environ.get("KILLS") or "500"]),
    "kill_points_redis": lambda: kill_points.main(["--redis", os.environ.get("KILLS") or "500"]),
}


def main(names: list[str]) -> int:
    """0 when all asked for hold, 1 when one does not, 2 for a name that is none."""
    unknown = [name for name in names if name not in PROOFS]
    if unknown:
        print(f"proof: no {', '.join(unknown)}; there are {', '.join(PROOFS)}", file=sys.stderr)
        return 2
    failed = [name for name in names or PROOFS if PROOFS[name]() != 0]
    for name in failed:
        print(f"proof: {name} does not hold", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
