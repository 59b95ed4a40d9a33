"""Aligned columns."""

import pytest

from proxy.cli.table import print_table


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "bbb", "c"), [("xx", "y", "z"), ("", "", "")])
    assert capsys.readouterr().out == "a   bbb  c\nxx  y    z\n\n"


def test_a_table_without_rows_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [])
    assert capsys.readouterr().out == "a  b\n"


def test_what_an_idp_states_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("who",), [("\x1b[2Jeve\n",)])
    assert "\x1b" not in capsys.readouterr().out
