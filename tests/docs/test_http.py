"""Each demand in docs/http.md says what Muster does and names a test that exists."""

import re

from tests.docs.pages import ROOT, defined_in, text_of

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows() -> list[list[str]]:
    """The cells of every demand: what, what Muster does, the tests."""
    lines = [
        line
        for line in text_of("docs/http.md").splitlines()
        if line.startswith("| ") and not line.startswith("| demand")
    ]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def test_every_demand_says_where_it_stands_what_muster_does_and_names_a_test() -> None:
    assert len(rows()) > 30
    assert [
        row[0]
        for row in rows()
        if len(row) != 3 or not all(row) or "§" not in row[0] or not NAMED.search(row[2])
    ] == []


def test_every_test_that_is_named_exists() -> None:
    named = [pair for row in rows() for pair in NAMED.findall(row[2])]
    assert sum(row[2].count("::") for row in rows()) == len(named)
    assert [
        pair for pair in named if not (ROOT / pair[0]).is_file() or pair[1] not in defined_in(pair[0])
    ] == []
