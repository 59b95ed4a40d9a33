"""The count that ends a circle of silent sign-ins."""

import pytest

from proxy.web.silent import MOST, next_value, seconds


def counted(times: int, page: str = "/work") -> str | None:
    value: str | None = None
    for _ in range(times):
        value = next_value(value, page)
    return value


def test_so_many_in_a_row_for_one_page_are_enough() -> None:
    value = counted(MOST)
    assert value is not None
    assert value.endswith(f".{MOST}")
    assert next_value(value, "/work") is None


def test_another_page_begins_anew() -> None:
    value = next_value(counted(MOST), "/other")
    assert value is not None
    assert value.endswith(".1")


@pytest.mark.parametrize("value", [None, "", ".", "x", "x.9", ".3", "²", "a.-1", "a.1.1"])
def test_what_we_did_not_write_counts_for_nothing(value: str | None) -> None:
    assert (next_value(value, "/work") or "").endswith(".1")


@pytest.mark.parametrize("count", ["²", "-3", "3333333333", "3 ", ""])
def test_a_count_is_a_short_plain_number(count: str) -> None:
    page = (next_value(None, "/work") or "").partition(".")[0]
    assert next_value(f"{page}.{count}", "/work") == f"{page}.1"


@pytest.mark.parametrize(("at_least", "kept"), [(300.0, 60), (20.5, 20), (0.2, 1)])
def test_a_count_is_gone_before_a_session_is_due_again(at_least: float, kept: int) -> None:
    assert seconds(at_least) == kept
