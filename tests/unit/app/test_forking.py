"""A forked worker hears signals as its own, says when it serves, and is reaped with its code."""

from pathlib import Path

from tests.unit.app.scripts import played

FORK = """
from proxy.app.doors import Doors
from proxy.app.forking import Signals, fork
from proxy.app.worker import Seat

lifeline, parent_end = os.pipe()
doors = Doors()
mine = settings(1)
opened = doors.open(mine)

def seat(ready):
    return Seat(settings=mine, doors=doors, opened=opened, number=0, ready=ready, lifeline=lifeline)

def ended(worker):
    while (code := worker.exit_code()) is None:
        time.sleep(0.01)
    return code
"""


def test_it_says_that_it_serves_and_its_exit_code_is_heard(tmp_path: Path) -> None:
    script = """
def work(seat):
    os.write(seat.ready, b".")
    print("from the worker")
    return 7

worker = fork(seat, parent_end, work, 1.0)
print(worker.heard(), ended(worker), worker.started_at)
"""
    done = played(FORK + script, tmp_path)
    assert sorted(done.stdout.splitlines()) == ["True 7 1.0", "from the worker"], done.stderr


def test_one_that_ends_before_it_serves_is_not_taken_for_ready(tmp_path: Path) -> None:
    done = played(
        FORK + "worker = fork(seat, parent_end, lambda seat: 2, 0.0)\nprint(worker.heard(), ended(worker))\n",
        tmp_path,
    )
    assert done.stdout == "False 2\n", done.stderr


def test_the_parents_handlers_are_not_the_childs(tmp_path: Path) -> None:
    """SIGTERM ends a child that has none of its own yet; SIGHUP, sent to a whole group, does not."""
    script = """
def work(seat):
    os.kill(os.getpid(), signal.SIGHUP)
    os.write(seat.ready, b".")
    time.sleep(30)
    return 0

signals = Signals()
worker = fork(seat, parent_end, work, 0.0)
assert worker.heard()
worker.tell(signal.SIGTERM)
print(ended(worker))
os.kill(os.getpid(), signal.SIGHUP)
assert signal.SIGHUP in signals.taken()
assert signals.taken() == b""
signals.close()
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    done = played(FORK + script, tmp_path)
    assert done.stdout == "-15\nTrue\n", done.stderr


def test_a_worker_sees_the_end_of_its_parent(tmp_path: Path) -> None:
    script = """
def work(seat):
    os.write(seat.ready, b".")
    assert os.read(seat.lifeline, 1) == b""
    return 5

worker = fork(seat, parent_end, work, 0.0)
assert worker.heard()
os.close(parent_end)
print(ended(worker))
"""
    done = played(FORK + script, tmp_path)
    assert done.stdout == "5\n", done.stderr


def test_without_room_for_a_process_nothing_is_left_of_the_attempt(tmp_path: Path) -> None:
    script = """
def full():
    raise BlockingIOError(11, "Resource temporarily unavailable")

def descriptors():
    return len(os.listdir("/proc/self/fd"))

before, os.fork = descriptors(), full
try:
    fork(seat, parent_end, lambda seat: 0, 0.0)
except OSError as error:
    print(error.errno, signal.pthread_sigmask(signal.SIG_BLOCK, ()), descriptors() - before)
"""
    done = played(FORK + script, tmp_path)
    assert done.stdout == "11 set() 0\n", done.stderr
