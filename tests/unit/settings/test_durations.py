"""Durations and sizes carry their unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings.durations import parse_duration, parse_positive_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("5m", 300),
        ("1h", 3600),
        ("1h30m", 5400),
        ("7d", 604800),
        ("1.5h", 5400),
        ("0s", 0),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("zero", [0, "0"])
def test_zero_needs_no_unit(zero: object) -> None:
    assert parse_duration(zero) == 0


@pytest.mark.parametrize(
    "wrong",
    [30, 1.5, "30", "", "s", "-5s", "5 s", "5s ", "5S", "1w", "1h and 5m", None, True, False, [], "5s\n"],
)
def test_what_is_no_duration_is_refused_with_examples(wrong: object) -> None:
    with pytest.raises(ValueError, match="write a duration with its unit"):
        parse_duration(wrong)


def test_a_duration_beyond_a_hundred_years_is_refused() -> None:
    with pytest.raises(ValueError, match="hundred years"):
        parse_duration("99999999d")


@pytest.mark.parametrize("nothing", [0, "0", "0s", "0ms"])
def test_a_time_out_of_nothing_is_refused(nothing: object) -> None:
    with pytest.raises(ValueError, match="longer than zero"):
        parse_positive_duration(nothing)


@given(st.integers(1, 10_000), st.sampled_from([("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)]))
def test_a_whole_number_of_a_unit_is_that_many(amount: int, unit: tuple[str, float]) -> None:
    assert parse_duration(f"{amount}{unit[0]}") == amount * unit[1]


@given(st.text())
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        assert parse_duration(text) >= 0
    except ValueError:
        return


@pytest.mark.parametrize(
    ("text", "size"), [("1B", 1), ("8KiB", 8192), ("1 MiB", 1048576), ("2GiB", 2 * 1024**3)]
)
def test_a_size_is_read_as_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("wrong", [8192, "8192", "8KB", "8kib", "-1B", "1.5MiB", "", None, True])
def test_what_is_no_size_is_refused_with_examples(wrong: object) -> None:
    with pytest.raises(ValueError, match="write a size with its unit"):
        parse_size(wrong)


@pytest.mark.parametrize("wrong", ["0B", "9999999999GiB"])
def test_a_size_has_bounds(wrong: str) -> None:
    with pytest.raises(ValueError, match="must be between"):
        parse_size(wrong)
