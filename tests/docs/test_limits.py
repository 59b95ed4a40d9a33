"""The page of limits: each setting has the default that it says, and each test that it names exists."""

import re

from proxy.settings.outline import every_entry
from proxy.settings.reference import flow
from tests.docs.pages import ROOT, defined_in, text_of

PAGE = "docs/limits.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows() -> list[list[str]]:
    """Phase, setting, default, what then, and the tests."""
    lines = [line for line in text_of(PAGE).splitlines() if line.startswith("| ") and "`" in line]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def defaults() -> dict[str, str]:
    return {".".join(map(str, entry.loc)): flow(entry.default) for entry in every_entry()}


def test_every_row_has_its_setting_with_its_default_and_a_test() -> None:
    known = defaults()
    assert len(rows()) >= 18
    assert [row[0] for row in rows() if len(row) != 5 or not NAMED.search(row[4])] == []
    stated = {row[1].strip("`"): row[2].strip("`") for row in rows()}
    assert stated == {name: known[name] for name in stated}


def test_every_limit_there_is_stands_on_the_page() -> None:
    stated = {row[1].strip("`") for row in rows()}
    limits = {name for name in defaults() if name.startswith("limits.")}
    times = {
        name for name in defaults() if re.fullmatch(r"(upstream|websockets)\.\w*(timeout|down_for)", name)
    }
    assert limits | times <= stated


def test_every_test_that_is_named_exists() -> None:
    named = [pair for row in rows() for pair in NAMED.findall(row[4])]
    assert sum(row[4].count("::") for row in rows()) == len(named)
    assert [
        pair for pair in named if not (ROOT / pair[0]).is_file() or pair[1] not in defined_in(pair[0])
    ] == []
