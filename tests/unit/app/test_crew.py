"""The parent: teams that come, take over, are sent off, and workers that come back after a pause."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.app.crew import FIRST_PAUSE, LONGEST_PAUSE, pause_after
from tests.unit.app.scripts import played

CREW = """
from proxy.app.crew import Crew
from proxy.app.worker import LEAVE

def note(what, seat):
    with open("notes", "a") as file:
        file.write(f"{what} {seat.number} {seat.settings.limits.connections}\\n")

def serving(seat):
    # Serves until told; leaves a note of how it ended.
    def end(number, _):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one may come
        note("left" if number == LEAVE else "stopped", seat)
        os._exit(0)
    signal.signal(signal.SIGTERM, end)
    signal.signal(LEAVE, end)
    note("serves", seat)
    os.write(seat.ready, b".")
    while True:
        time.sleep(5)

def notes():
    return Path("notes").read_text().splitlines() if Path("notes").exists() else []

def until(holds):
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, notes()
        time.sleep(0.01)

def without_room(*times):
    # The machine has no room for a process at these forks, counted from the first.
    real, count = os.fork, [0]
    def forked():
        count[0] += 1
        if count[0] in times:
            raise BlockingIOError(11, "no room")
        return real()
    os.fork = forked

def beside(tell):
    # Runs tell in a process of its own, beside the parent.
    parent = os.getpid()
    if os.fork() == 0:
        try:
            tell(lambda number: os.kill(parent, number))
        finally:
            os.kill(parent, signal.SIGTERM)
            os._exit(0)
"""


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def noted(folder: Path) -> list[str]:
    return (folder / "notes").read_text().splitlines()


@given(st.integers(min_value=1, max_value=100_000))
def test_a_pause_grows_to_a_bound(deaths: int) -> None:
    assert FIRST_PAUSE <= pause_after(deaths) <= LONGEST_PAUSE
    assert pause_after(deaths) <= pause_after(deaths + 1)


def test_the_first_pauses_double() -> None:
    assert [pause_after(number) for number in (1, 2, 3)] == [0.1, 0.2, 0.4]


def test_the_first_worker_begins_alone_and_all_end_at_sigterm(tmp_path: Path) -> None:
    script = """
beside(lambda tell: until(lambda: len(notes()) == 3))
sys.exit(Crew(settings(3), None, serving).run())
"""
    done = played(CREW + script, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = noted(tmp_path)
    assert lines[0] == "serves 0 10000"
    assert sorted(lines[1:3]) == ["serves 1 10000", "serves 2 10000"]
    assert sorted(lines[3:]) == [f"stopped {number} 10000" for number in range(3)]


def test_a_new_team_takes_over_and_only_then_the_old_one_leaves(tmp_path: Path) -> None:
    script = """
def tell(send):
    until(lambda: len(notes()) == 2)
    send(signal.SIGHUP)
    until(lambda: len(notes()) == 6)

beside(tell)
sys.exit(Crew(settings(2), lambda: settings(2, limits={"connections": 7}), serving).run())
"""
    done = played(CREW + script, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = noted(tmp_path)
    assert sorted(lines[2:4]) == ["serves 0 7", "serves 1 7"]
    assert sorted(lines[4:6]) == ["left 0 10000", "left 1 10000"]
    assert "reloaded" in [event["event"] for event in events(done.stderr)]


def test_a_mistake_a_bug_and_a_team_that_cannot_begin_change_nothing(tmp_path: Path) -> None:
    script = """
from proxy.errors import Problem, SettingsError

def mistake():
    raise SettingsError((Problem(path="groups", line=3, message="no"),))

def bug():
    raise ZeroDivisionError

turns = [mistake, bug, lambda: settings(2, limits={"connections": 7})]
log = sys.stderr = open("log", "w", buffering=1)

def refused():
    return Path("log").read_text().count("reload_refused")

def work(seat):
    if seat.settings.limits.connections == 7 and seat.number == 1:
        return 2
    return serving(seat)

def tell(send):
    until(lambda: len(notes()) == 2)
    for number in (1, 2, 3):
        send(signal.SIGHUP)
        until(lambda: refused() == number)
    until(lambda: "stopped 0 7" in notes())

beside(tell)
sys.exit(Crew(settings(2), lambda: turns.pop(0)(), work).run())
"""
    done = played(CREW + script, tmp_path)
    assert done.returncode == 0, (done.stderr, (tmp_path / "log").read_text())
    refusals = [one for one in events((tmp_path / "log").read_text()) if one["event"] == "reload_refused"]
    assert refusals[0]["where"] == "groups"
    assert "ended with 2 before it served" in refusals[2]["what"]
    ends = [line for line in noted(tmp_path) if not line.startswith("serves")]
    assert ends[0] == "stopped 0 7", "the new one went"
    assert sorted(ends[1:]) == ["stopped 0 10000", "stopped 1 10000"]


def test_a_worker_that_dies_comes_back_and_the_pauses_are_logged(tmp_path: Path) -> None:
    script = """
def work(seat):
    if seat.number == 1 and len([line for line in notes() if line.startswith("serves 1")]) < 3:
        note("serves", seat)
        os.write(seat.ready, b".")
        if len(notes()) > 1:
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
    return serving(seat)

beside(lambda tell: until(lambda: len([line for line in notes() if line.startswith("serves 1")]) == 4))
sys.exit(Crew(settings(2), None, work).run())
"""
    done = played(CREW + script, tmp_path)
    assert done.returncode == 0, done.stderr
    deaths = [one for one in events(done.stderr) if one["event"] == "worker_died"]
    assert [(one["worker"], one["code"], one["again_in"]) for one in deaths] == [
        (1, -9, 0.1),
        (1, -9, 0.2),
        (1, -9, 0.4),
    ]


def test_a_first_team_that_cannot_begin_ends_the_parent_with_its_code(tmp_path: Path) -> None:
    script = """
def work(seat):
    return 2 if seat.number == 1 else serving(seat)

sys.exit(Crew(settings(2), None, work).run())
"""
    done = played(CREW + script, tmp_path)
    assert done.returncode == 2, done.stderr
    assert noted(tmp_path) == ["serves 0 10000", "stopped 0 10000"]


def test_a_machine_without_room_ends_a_first_team(tmp_path: Path) -> None:
    done = played(CREW + "without_room(2)\nsys.exit(Crew(settings(2), None, serving).run())\n", tmp_path)
    assert done.returncode == 1, done.stderr
    assert noted(tmp_path) == ["serves 0 10000", "stopped 0 10000"]
    assert "no room" in done.stderr


def test_a_machine_without_room_refuses_a_reload_and_delays_who_comes_back(tmp_path: Path) -> None:
    """Afterwards it hears signals as before: reloads, deaths, and the end."""
    script = """
log = sys.stderr = open("log", "w", buffering=1)

def logged(event):
    return Path("log").read_text().count(f'"{event}"')

def tell(send):
    until(lambda: len(notes()) == 2)
    send(signal.SIGHUP)
    until(lambda: logged("reload_refused") == 1)
    send(signal.SIGHUP)
    until(lambda: logged("reloaded") == 1)
    workers = [int(pid) for pid in Path(f"/proc/{os.getppid()}/task/{os.getppid()}/children").read_text().split()]
    os.kill(next(pid for pid in reversed(workers) if pid != os.getpid()), signal.SIGKILL)
    until(lambda: logged("worker_not_started") == 1)
    until(lambda: len([line for line in notes() if line.startswith("serves") and line.endswith(" 7")]) == 3)

beside(tell)
# Two workers, the reload refused at its second worker, the reload, and the one that comes back.
without_room(4, 7)
sys.exit(Crew(settings(2), lambda: settings(2, limits={"connections": 7}), serving).run())
"""
    done = played(CREW + script, tmp_path)
    log = (tmp_path / "log").read_text()
    assert done.returncode == 0, (done.stderr, log)
    refusal = next(one for one in events(log) if one["event"] == "reload_refused")
    assert "no room" in refusal["what"]
    assert [one["again_in"] for one in events(log) if one["event"] == "worker_not_started"] == [0.2]


def test_a_worker_that_is_told_to_leave_is_no_fault(tmp_path: Path) -> None:
    script = """
def tell(send):
    until(lambda: len(notes()) == 2)
    workers = [int(pid) for pid in Path(f"/proc/{os.getppid()}/task/{os.getppid()}/children").read_text().split()]
    os.kill(next(pid for pid in reversed(workers) if pid != os.getpid()), signal.SIGTERM)
    until(lambda: len(notes()) == 4)

beside(tell)
sys.exit(Crew(settings(2), None, serving).run())
"""
    done = played(CREW + script, tmp_path)
    assert done.returncode == 0, done.stderr
    seen = [(one["event"], one["level"]) for one in events(done.stderr) if "worker_" in one["event"]]
    assert seen == [("worker_left", "info")]
