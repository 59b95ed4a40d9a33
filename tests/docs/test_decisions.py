"""The index of decisions is complete and says what each is called."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, text_of

FOLDER = ROOT / "docs" / "decisions"
DECISIONS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
MOST_LINES = 60


def listed() -> dict[str, tuple[str, str]]:
    """File → number and title, as the index has them."""
    found = re.findall(r"^- \[(\d+)\]\(([^)]+)\) (.+)$", text_of("docs/decisions/README.md"), re.MULTILINE)
    return {name: (number, title) for number, name, title in found}


def test_the_index_lists_every_decision_and_no_other() -> None:
    assert set(listed()) == {path.name for path in DECISIONS}


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_called_in_the_index_what_it_is_called(decision: Path) -> None:
    heading = re.match(r"# (\d{3}):? (.+)\n", decision.read_text("utf-8"))
    assert heading is not None
    assert listed().get(decision.name) == heading.groups()
    assert decision.name.startswith(f"{heading[1]}-")


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_about_half_a_page(decision: Path) -> None:
    assert len(decision.read_text("utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("number", [f"{n:03}" for n in range(1, 8)])
def test_a_decision_about_the_whole_says_what_it_costs_and_what_it_replaced(number: str) -> None:
    text = next(FOLDER.glob(f"{number}-*.md")).read_text("utf-8")
    assert [
        part
        for part in ("**Context.**", "**Decided.**", "**Drawbacks.**", "**Rejected.**")
        if part not in text
    ] == []


def test_every_decision_that_is_cited_by_number_is_there() -> None:
    numbers = {path.name[:3] for path in DECISIONS}
    cited = {
        number
        for folder in ("proxy", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md")
        for number in re.findall(r"decision (\d{3})\b", path.read_text("utf-8"))
    }
    assert cited - numbers == set()
