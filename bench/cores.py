"""Which cores measure and which are measured: each proxy alone on the last core, everything else on the others.

On a machine with one core nothing is pinned, and the figures say less.
"""

import os
import shutil


def allowed() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


_ALL = allowed()


def measured_core() -> int | None:
    """The core of whatever is measured; None on a machine with one core, or without util-linux."""
    return _ALL[-1] if len(_ALL) > 1 and shutil.which("taskset") else None


def leave_it() -> None:
    """Takes this process, and all that it starts without `pinned`, off the measured core."""
    if measured_core() is not None:
        os.sched_setaffinity(0, _ALL[:-1])


def pinned(command: list[str]) -> list[str]:
    """The same command on the measured core; the process id is the command's own, since taskset becomes it."""
    core = measured_core()
    return command if core is None else ["taskset", "-c", str(core), *command]
