"""References from the code lead somewhere: each `semantics §N.M` to docs/rules.md, each `Decision N` to docs/design.md."""

import re
from collections.abc import Iterator

from tests.docs.pages import ROOT, page_id, text_of

SECTION = re.compile(r"semantics\s+((?:§\d+(?:\.\d+)?(?:[–, ]|\s+and\s+)*)+)")
DECISION = re.compile(r"\bDecision (\d+)\b")
FOLDERS = ("proxy", "tests", "bench", "config")


def sources() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            yield page_id(path), path.read_text("utf-8")


def sections() -> set[str]:
    """`5` and `5.3` for each section and numbered item of the rules."""
    found: set[str] = set()
    current = ""
    for line in text_of("docs/rules.md").splitlines():
        if heading := re.match(r"## (\d+)\. ", line):
            current = heading[1]
            found.add(current)
        elif line.startswith("## "):
            current = ""
        elif current and (item := re.match(r"(\d+)\. ", line)):
            found.add(f"{current}.{item[1]}")
    return found


def test_the_rules_have_ten_sections() -> None:
    assert {section for section in sections() if "." not in section} == {
        str(number) for number in range(1, 11)
    }


def test_every_section_that_the_code_names_is_there() -> None:
    known = sections()
    named = {
        (path, number)
        for path, text in sources()
        for run in SECTION.findall(text)
        for number in re.findall(r"§(\d+(?:\.\d+)?)", run)
    }
    assert len(named) > 50
    assert {(path, number) for path, number in named if number not in known} == set()


def test_every_decision_that_the_code_names_by_number_is_there() -> None:
    decided = set(
        re.findall(r"^(\d+)\. ", text_of("docs/design.md").split("## Decisions taken")[1], re.MULTILINE)
    )
    named = {(path, number) for path, text in sources() for number in DECISION.findall(text)}
    assert decided == {str(number) for number in range(1, 9)}
    assert {(path, number) for path, number in named if number not in decided} == set()


def test_what_is_not_built_yet_names_sections_that_exist() -> None:
    later = text_of("docs/rules.md").split("## What 0.1.0 does not do yet")[1]
    numbers = [n for row in re.findall(r"^\| ([\d., ]+) \|", later, re.MULTILINE) for n in row.split(", ")]
    assert numbers
    assert set(numbers) - sections() == set()
