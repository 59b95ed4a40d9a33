"""What may stand in `paths`."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.configurations import mistakes_of, settings_of


def test_a_rule_needs_nothing_but_a_path(tmp_path: Path) -> None:
    (rule,) = settings_of(tmp_path, paths=[{"path": "/admin/*"}]).paths
    assert (rule.methods, rule.identity, rule.answer, rule.groups, rule.idps) == (
        (),
        "required",
        "auto",
        (),
        (),
    )


def test_groups_are_written_as_a_list_or_with_commas(tmp_path: Path) -> None:
    (rule,) = settings_of(tmp_path, paths=[{"path": "/a", "groups": "admins, owners"}]).paths
    assert rule.groups == ("admins", "owners")


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ({"path": "admin"}, "path"),
        ({"path": "/a%2fb"}, "path"),
        ({"path": "/a;b"}, "path"),
        ({"path": "/a/../b"}, "path"),
        ({"path": "/a//b"}, "path"),
        ({"path": "/a*"}, "path"),
        ({"path": "/_muster/*"}, "path"),
        ({"path": "/a", "methods": ["get"]}, "methods[0]"),
        ({"path": "/a", "methods": ["GET", "*"]}, "methods[1]"),
        ({"path": "/a", "identity": "none"}, "identity"),
        ({"path": "/a", "answer": "403"}, "answer"),
        ({"path": "/a", "group": ["x"]}, "group"),
        ({"path": "/a", "acr_values": ["a b"]}, "acr_values[0]"),
        ({"path": "/a", "acr_values": ['a"b']}, "acr_values[0]"),
        ({"path": "/a", "acr_values": ["a\\b"]}, "acr_values[0]"),
        ({"path": "/a", "max_age": "59s"}, "max_age"),
        ({"path": "/a", "max_age": "90.5s"}, "max_age"),
        ({"path": "/a", "max_age": 300}, "max_age"),
    ],
)
def test_a_mistake_is_named_at_its_place(rule: dict[str, Any], place: str, tmp_path: Path) -> None:
    assert list(mistakes_of(tmp_path, paths=[rule])) == [f"paths[0].{place}"]
