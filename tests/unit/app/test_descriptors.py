"""The limit of open files is raised as far as it is needed and allowed."""

import resource
import subprocess
import sys

import pytest

from proxy.app.descriptors import wanted

PROGRAM = """
import resource
from proxy.app.descriptors import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(raise_limit({connections}), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def raised(soft: int, hard: int, connections: int) -> list[int]:
    """What is said to hold, then the soft and the hard limit, in a process of its own."""
    program = PROGRAM.format(soft=soft, hard=hard, connections=connections)
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return [int(one) for one in done.stdout.split()]


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "holds"),
    [(256, 1500, 100, wanted(100)), (256, 400, 10_000, 400), (900, 1500, 10, 900)],
)
def test_it_is_raised_to_what_is_needed_within_the_hard_limit_and_never_lowered(
    soft: int, hard: int, connections: int, holds: int
) -> None:
    if 0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip("this machine allows fewer open files")
    assert raised(soft, hard, connections) == [holds, holds, hard]
