"""Names are spelled like those of a claim, or none of them counts."""

import pytest

from proxy.oidc.directory.calls import unreadable
from proxy.oidc.directory.names import group_names
from tests.fakes.idp import named


def test_names_are_composed_and_trimmed() -> None:
    assert group_names([" engineers ", "Cafe\u0301", "engineers"]) == named("engineers", "Caf\u00e9")
    assert group_names([]) == named()


@pytest.mark.parametrize("wrong", [None, 7, "", "  ", "\ud800", ["x"], True])
def test_one_unreadable_name_makes_the_list_unknown(wrong: object) -> None:
    assert group_names(["engineers", wrong]) == unreadable()
