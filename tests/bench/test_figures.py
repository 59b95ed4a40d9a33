"""Percentiles, and what a run costs per request."""

import pytest

from bench.figures import Load, load_of, median, percentile, run_of


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [
        (1, 50, 1),
        (1, 99.9, 1),
        (2, 50, 1),
        (100, 50, 50),
        (100, 99, 99),
        (100, 99.9, 100),
        (1000, 99.9, 999),
        (1000, 100, 1000),
    ],
)
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(
    count: int, percent: float, expected: float
) -> None:
    assert percentile(range(1, count + 1), percent) == expected


def test_nothing_is_below_the_first() -> None:
    assert percentile([3.0, 4.0], 0) == 3.0


def test_a_load_orders_latencies_itself_and_tells_milliseconds() -> None:
    load = load_of([0.003, 0.001, 0.002], 2.0, 7)
    assert (load.requests, load.seconds, load.bytes_moved) == (3, 2.0, 7)
    assert (load.p50_ms, load.p99_ms, load.p999_ms) == (2.0, 3.0, 3.0)


def _load(**more: float) -> Load:
    given = {"requests": 1000, "seconds": 2.0, "p50_ms": 1.0, "p99_ms": 2.0, "p999_ms": 3.0, **more}
    return Load(**given)  # type: ignore[arg-type]  # a count is a whole float here


def test_cpu_is_divided_among_the_requests() -> None:
    run = run_of(_load(), cpu_seconds=0.05, rss_mib=90.0)
    assert (run.cpu_us, run.rps, run.rss_mib) == (50.0, 500.0, 90.0)


def test_a_body_is_told_in_mebibytes_a_second() -> None:
    run = run_of(_load(requests=1, bytes_moved=2**30), cpu_seconds=0.5, rss_mib=90.0)
    assert (run.mib_per_s, run.cpu_us) == (512.0, 500_000.0)


def test_the_median_is_of_each_figure_on_its_own() -> None:
    runs = [
        run_of(_load(p99_ms=p99), cpu_seconds=cpu, rss_mib=1.0)
        for p99, cpu in ((9.0, 0.1), (1.0, 0.2), (5.0, 0.9))
    ]
    middle = median(runs)
    assert (middle.p99_ms, middle.cpu_us) == (5.0, 200.0)
