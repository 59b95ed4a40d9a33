"""docs/conformance.md and the conformance tests agree: each module has a row, each row a test or a reason."""

import re

from tests.docs.pages import ROOT, defined_in, page_id, text_of

PAGE = "docs/conformance.md"
FOLDER = ROOT / "tests" / "conformance" / "oidc"
ROW = re.compile(r"^\| `(oidcc-client-test[a-z0-9-]*)` \| (\S+) \| (.+) \|$", re.MULTILINE)
FILE = re.compile(r"`(tests/conformance/oidc/\w+\.py)`")
DASH = "–"


def sections() -> dict[str, str]:
    """The text below each heading of the page."""
    parts = re.split(r"^## (.+)$", text_of(PAGE), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows() -> list[tuple[str, str, str, frozenset[str]]]:
    """Module, test, what we do, and what the files of the section define."""
    found = []
    for text in sections().values():
        names = frozenset().union(*(defined_in(path) for path in FILE.findall(text)))
        found += [(module, test, what, names) for module, test, what in ROW.findall(text)]
    return found


def named_after_modules() -> set[str]:
    return {
        name
        for path in FOLDER.glob("test_*.py")
        for name in defined_in(page_id(path))
        if name.startswith("test_oidcc_")
    }


def test_every_line_of_a_table_is_read() -> None:
    lines = [line for line in text_of(PAGE).splitlines() if line.startswith("| `")]
    assert len(lines) == len(rows()) > 50


def test_a_test_is_named_after_its_module_and_stands_in_the_file_of_its_section() -> None:
    for module, test, _, names in rows():
        name = "test_" + module.replace("-", "_")
        assert test in {f"`{name}`", DASH}, module
        assert test == DASH or name in names, module


def test_no_module_stands_there_twice_and_each_says_what_we_do() -> None:
    modules = [module for module, *_ in rows()]
    assert len(modules) == len(set(modules))
    assert all(what.strip() for _, _, what, _ in rows())


def test_every_test_that_is_named_after_a_module_has_a_row() -> None:
    assert named_after_modules() == {test.strip("`") for _, test, _, _ in rows() if test != DASH}


def test_a_module_without_a_test_says_why() -> None:
    for module, test, what, _ in rows():
        assert test != DASH or re.match(r"not offered|other flows|the header is used", what), module
