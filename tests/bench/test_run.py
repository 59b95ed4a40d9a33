"""A measurement goes on without those who are not there, or do not answer as they should."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from bench.figures import Load, load_of
from bench.options import Options
from bench.people import Idp
from bench.run import Bench, _enter, machine
from bench.scenarios import Scenario, Terms
from bench.targets import NotHere, Target


def a_bench(folder: Path) -> Bench:
    terms = Terms(seconds=1, stream_mib=1, directory=folder)
    return Bench(asked=Options(), terms=terms, upstream=1, idp=cast(Idp, None))


def a_target(name: str) -> Target:
    return Target(name=name, url="http://127.0.0.1:1/1k", pids=(os.getpid(),))


class Bearing:
    """Every target bears the load, but for those that fail in a round; the order is kept."""

    def __init__(self, **failing: int) -> None:
        self.failing = failing
        self.asked: list[str] = []

    def __call__(self, target: Target, terms: Terms) -> Load:
        self.asked.append(target.name)
        if self.failing.get(target.name) == self.asked.count(target.name):
            raise ValueError("502 Bad Gateway")
        return load_of([0.001], 1.0)


def scenario(bearing: Bearing) -> Scenario:
    return Scenario(key="get-1k", title="x", bear=bearing)


def test_every_round_asks_everybody_once(tmp_path: Path) -> None:
    bearing, bench = Bearing(), a_bench(tmp_path)
    runs = bench.measure(scenario(bearing), [a_target("a"), a_target("b")], 3)
    assert bearing.asked == ["a", "b"] * 3
    assert {name: len(own) for name, own in runs.items()} == {"a": 3, "b": 3}
    assert bench.found == {"get-1k": runs}


def test_who_fails_once_is_named_and_left_out_from_there_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of its rounds would be compared with other rounds of the others."""
    bearing = Bearing(b=2)
    runs = a_bench(tmp_path).measure(scenario(bearing), [a_target("a"), a_target("b")], 3)
    assert bearing.asked == ["a", "b", "a", "b", "a"]
    assert set(runs) == {"a"}
    assert capsys.readouterr().err == "b is left out of get-1k: 502 Bad Gateway\n"


@pytest.mark.parametrize("error", [NotHere("it is not installed"), RuntimeError("it ended with 1")])
def test_who_does_not_start_is_named_and_left_out(
    tmp_path: Path, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextlib.contextmanager
    def start(upstream: int, directory: Path) -> Iterator[Target]:
        raise error
        yield

    bench = a_bench(tmp_path)
    with contextlib.ExitStack() as stack:
        _enter(stack, bench, "Caddy", start)
    assert bench.targets == []
    assert capsys.readouterr().err == f"Caddy is left out: {error}\n"


def test_the_machine_is_told_by_its_shape_alone() -> None:
    assert "cores" in machine()
    assert "/" not in machine()
