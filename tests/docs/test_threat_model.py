"""Each threat in THREAT_MODEL.md has a test that shows how it is met, and that test exists."""

import re

import pytest

from tests.docs.pages import ROOT, defined_in, text_of

PAGE = "THREAT_MODEL.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows() -> list[list[str]]:
    """The cells of every threat: what, how it is met, the tests."""
    lines = [
        line
        for line in text_of(PAGE).splitlines()
        if line.startswith("| ") and not line.startswith("| threat")
    ]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def missing_tests(text: str) -> list[str]:
    return [
        f"{path}::{name}"
        for path, name in NAMED.findall(text)
        if not (ROOT / path).is_file() or name not in defined_in(path)
    ]


def test_every_test_that_is_named_exists() -> None:
    assert missing_tests(text_of(PAGE)) == []


def test_every_threat_says_how_it_is_met_and_names_a_test() -> None:
    assert len(rows()) > 30
    assert [row[0] for row in rows() if len(row) != 3 or not all(row) or not NAMED.search(row[2])] == []


def test_nothing_in_the_third_column_escapes_the_check() -> None:
    """Whatever looks like a test's name there is written so that it is checked."""
    for row in rows():
        assert row[2].count("::") == len(NAMED.findall(row[2])), row[0]


@pytest.mark.parametrize(
    "named",
    ["`tests/unit/gate/test_gate.py::test_nothing_of_the_kind`", "`tests/unit/gate/test_gone.py::test_it`"],
)
def test_a_test_that_is_not_there_is_found(named: str) -> None:
    assert missing_tests(f"| a | b | {named} |") != []
