"""What wrk is told, and what it says."""

import pytest

from bench.wrk import Shape, read_report

HEADER = "Running 2s test @ http://127.0.0.1:1/1k\n  1 threads and 64 connections\nRequests/sec:  5000.00\n\n"
GOOD = '{"requests": 10000, "micros": 2000000, "errors": [0, 0, 0, 0, 0], "p50": 1500.0, "p99": 20500.5, "p999": 30000.0}\n'


def test_the_report_is_the_last_line() -> None:
    load = read_report(HEADER + GOOD)
    assert (load.requests, load.seconds) == (10000, 2.0)
    assert (load.p50_ms, load.p99_ms, load.p999_ms) == (1.5, 20.5005, 30.0)


@pytest.mark.parametrize("place", range(5))
def test_one_failed_request_is_no_measurement(place: int) -> None:
    errors = [int(place == index) for index in range(5)]
    with pytest.raises(ValueError, match="requests failed"):
        read_report(HEADER + GOOD.replace("[0, 0, 0, 0, 0]", str(errors)))


def test_no_request_at_all_is_none_either() -> None:
    with pytest.raises(ValueError, match="requests failed"):
        read_report(GOOD.replace("10000", "0"))


@pytest.mark.parametrize("output", ["", HEADER, "unable to connect to 127.0.0.1:1 Connection refused\n"])
def test_what_is_no_report_is_shown(output: str) -> None:
    with pytest.raises(ValueError, match="unexpected") as caught:
        read_report(output)
    assert output.strip() in str(caught.value)


def test_a_plain_get_needs_no_call_per_request() -> None:
    assert "request = " not in Shape().script()
    assert "done = " in Shape().script()


def test_a_shape_says_what_differs() -> None:
    assert 'wrk.method = "POST"' in Shape(is_post=True).script()
    assert "/fresh/1k?n=" in Shape(is_fresh=True).script()
