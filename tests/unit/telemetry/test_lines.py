"""Lines are written in batches, and a broken stream never breaks who writes."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.lines import Lines, Timestamps, quoted, to_json


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_lines_wait_until_they_are_flushed() -> None:
    stream = io.StringIO()
    lines = Lines(stream, lost=lambda count: None)
    lines.add("a")
    lines.add("b")
    assert stream.getvalue() == ""
    lines.flush()
    lines.flush()
    assert stream.getvalue() == "a\nb\n"


def test_waiting_has_a_bound() -> None:
    stream = io.StringIO()
    lines = Lines(stream, lost=lambda count: None)
    for _ in range(2000):
        lines.add("x")
    assert stream.getvalue().count("\n") == 2000


def test_what_cannot_be_written_is_counted_and_dropped() -> None:
    lost: list[int] = []
    lines = Lines(FullDisk(), lost=lost.append)
    lines.add("a")
    lines.add("b")
    lines.flush()
    lines.flush()
    assert lost == [2]


def test_a_closed_stream_loses_lines_too() -> None:
    stream, lost = io.StringIO(), list[int]()
    stream.close()
    lines = Lines(stream, lost=lost.append)
    lines.add("a")
    lines.flush()
    assert lost == [1]


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.5, "2023-11-14T22:13:20.500Z"),
        (1_700_000_000.9999, "2023-11-14T22:13:20.999Z"),
    ],
)
def test_a_time_is_iso_8601_in_utc(now: float, text: str) -> None:
    assert Timestamps().text(now) == text


def test_times_of_one_burst_differ_when_second_or_millisecond_does() -> None:
    times = Timestamps()
    texts = [times.text(now)[-7:] for now in (1.5, 1.5004, 1.625, 2.625, 2.625, 1.625)]
    assert texts == ["01.500Z", "01.500Z", "01.625Z", "02.625Z", "02.625Z", "01.625Z"]


def test_a_clock_that_goes_back_is_believed() -> None:
    times = Timestamps()
    assert times.text(10.0) > times.text(5.0)


@given(st.binary(max_size=40))
def test_any_bytes_are_one_json_string_on_one_line(raw: bytes) -> None:
    text = quoted(raw)
    assert json.loads(text) == raw.decode("latin-1")
    assert "\n" not in text


def test_a_record_is_one_line_whatever_stands_in_it() -> None:
    assert to_json({"a": "x\ny", "b": ValueError("no"), "c": "ü"}) == '{"a":"x\\ny","b":"no","c":"ü"}'
