"""What belongs to a proxy, and how its CPU is read."""

import os
import subprocess
import sys

from bench.processes import TICKS, cpu_seconds, cpu_ticks, family, members, rss_mib, stat_fields

STAT = (
    "41 (a (odd) name) S 7 41 41 0 -1 4194560 9 9 0 0 20 5 300 40 20 0 1 0 99 1000 250 18446744073709551615"
)


def test_a_family_is_all_who_descend_from_the_roots() -> None:
    parents = [(2, 1), (3, 2), (4, 3), (9, 8), (10, 9), (1, 0)]
    assert family([2], parents) == {2, 3, 4}
    assert family([2, 9], parents) == {2, 3, 4, 9, 10}


def test_the_order_of_the_pairs_is_of_no_account() -> None:
    assert family([1], [(4, 3), (3, 2), (2, 1)]) == {1, 2, 3, 4}


def test_a_name_may_hold_brackets_and_blanks() -> None:
    fields = stat_fields(STAT)
    assert fields[:2] == ["S", "7"]
    assert fields[21] == "250"


def test_children_that_ended_count() -> None:
    assert cpu_ticks(stat_fields(STAT)) == 20 + 5 + 300 + 40


def test_a_child_is_counted_while_it_runs_and_after_it_ended() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass\nprint('burnt', flush=True)\ninput()"
    child = subprocess.Popen(
        [sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    before = cpu_seconds([os.getpid()]) - cpu_seconds([child.pid])
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "burnt\n"
        assert child.pid in members([os.getpid()])
        assert cpu_seconds([child.pid]) >= 0.2 - 2 / TICKS
        assert rss_mib([child.pid]) > 1
        child.communicate("\n")
    assert child.pid not in members([os.getpid()])
    assert cpu_seconds([os.getpid()]) - before >= 0.2 - 2 / TICKS


def test_who_is_gone_costs_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert cpu_seconds([child.pid]) == 0
    assert rss_mib([child.pid]) == 0
