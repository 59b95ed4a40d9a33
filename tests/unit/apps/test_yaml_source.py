"""YAML with lines."""

import pytest

from proxy.apps.yaml_source import locate, plain, read_yaml
from proxy.errors import SettingsError

TEXT = """\
a: 1
b:
  c: [x, y]
  d:
    - e: 2
    - f: "{g}"
"""


@pytest.mark.parametrize(
    ("place", "steps", "line"),
    [
        (("a",), ("a",), 1),
        (("b", "c"), ("b", "c"), 3),
        (("b", "c", 1), ("b", "c", 1), 3),
        (("b", "d", 1, "f"), ("b", "d", 1, "f"), 6),
        (("b", "tag of a union", "c"), ("b", "c"), 3),
        (("b", "missing"), ("b",), 2),
        (("missing",), (), None),
        ((), (), None),
    ],
)
def test_a_place_has_a_line(
    place: tuple[str | int, ...], steps: tuple[str | int, ...], line: int | None
) -> None:
    assert locate(read_yaml(TEXT, source=""), place) == (steps, line)


def test_plain_values() -> None:
    document = plain(read_yaml('{a: 1, b: true, c: null, d: 1.5, e: "x", f: [0x10, {g: ""}]}', source=""))
    assert document == {"a": 1, "b": True, "c": None, "d": 1.5, "e": "x", "f": [16, {"g": ""}]}
    assert [type(value) for value in document.values()] == [int, bool, type(None), float, str, list]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a:\n  b: [1", 2),
        ("a: 1\na: 2\n", 2),
        ("a: 1\n  b: 2", 2),
        ("- a\n", 1),
        ("", 1),
        ("just text", 1),
        ("a: \0", None),
    ],
)
def test_what_is_no_mapping_is_told_with_its_line(text: str, line: int | None) -> None:
    with pytest.raises(SettingsError) as error:
        read_yaml(text, source="x.yaml")
    assert error.value.source == "x.yaml"
    assert error.value.problems[0].line == line
    assert error.value.problems[0].message


def test_no_python_is_made_by_a_tag() -> None:
    document = plain(read_yaml("a: !!python/object/apply:os.getcwd []", source=""))
    assert document == {"a": []}
