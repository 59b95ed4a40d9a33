"""docs/proofs.md names every proof that can be asked for, and no other."""

import re

from proof.__main__ import PROOFS
from proof.planted import FAULTS
from tests.docs.pages import text_of

ROW = re.compile(r"^\| `([a-z_]+)`(?! \|$)", re.MULTILINE)


def test_every_proof_is_on_the_page_and_says_what_it_demands() -> None:
    assert set(ROW.findall(text_of("docs/proofs.md"))) == PROOFS.keys()


def test_every_planted_fault_is_on_the_page() -> None:
    text = text_of("docs/proofs.md")
    assert [fault.name for fault in FAULTS if f"| {fault.name} | `{fault.file}` |" not in text] == []


def test_every_line_that_a_fault_changes_is_still_there() -> None:
    """Whoever rewrites such a line names it anew in proof/planted.py."""
    assert [fault.name for fault in FAULTS if text_of(fault.file).count(fault.right) != 1] == []
