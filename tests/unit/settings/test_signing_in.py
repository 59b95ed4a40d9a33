"""Which of several IdPs people sign in with."""

from pathlib import Path

import pytest

from tests.fakes.configurations import mistakes_of, settings_of


def test_unsaid_any_idp_will_do_and_people_are_asked(tmp_path: Path) -> None:
    said = settings_of(tmp_path).sign_in
    assert (said.enforce, said.last_used) == (None, "suggest")


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ({"enforce": "Not A Name"}, "sign_in.enforce"),
        ({"last_used": "always"}, "sign_in.last_used"),
        ({"enforced": "corp"}, "sign_in.enforced"),
    ],
)
def test_anything_else_is_refused_at_its_place(written: dict[str, str], path: str, tmp_path: Path) -> None:
    assert list(mistakes_of(tmp_path, sign_in=written)) == [path]
