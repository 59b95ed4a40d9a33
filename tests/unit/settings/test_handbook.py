"""`docs/settings.md` has a row for every setting."""

import re

from proxy.settings.handbook import render_handbook
from proxy.settings.outline import every_entry


def test_every_setting_has_a_row_and_every_section_a_heading() -> None:
    text = render_handbook()
    for entry in every_entry():
        if entry.section is None:
            assert f"| `{entry.name}` |" in text, entry.loc
        else:
            assert re.search(rf"^## `[^`]*\b{entry.name}(\[\])?`$", text, re.MULTILINE), entry.loc


def test_every_row_has_four_cells() -> None:
    rows = [line for line in render_handbook().split("\n") if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_it_names_the_variables() -> None:
    assert "`MUSTER__UPSTREAM__URL`" in render_handbook()
    assert "`MUSTER__IDPS__0__ID`" in render_handbook()
