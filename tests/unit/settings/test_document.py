"""The YAML tree knows the line of every key, and names what YAML itself forbids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings.document import dotted, read_document

TEXT = """\
# a comment
a: 1
b:
  c: [x, y]
  d:
    - e: 1
    - e: 2
"""


def test_every_key_and_item_has_its_line() -> None:
    document = read_document(TEXT)
    assert document.tree == {"a": 1, "b": {"c": ["x", "y"], "d": [{"e": 1}, {"e": 2}]}}
    assert document.lines[("a",)] == 2
    assert document.lines[("b", "c", 1)] == 4
    assert document.lines[("b", "d", 1, "e")] == 7


def test_a_mistake_without_a_line_of_its_own_has_that_of_the_nearest_key() -> None:
    problem = read_document(TEXT).problem(("b", "d", 1, "missing"), "this is required")
    assert str(problem) == "line 7: b.d[1].missing: this is required"


def test_a_mistake_at_the_top_has_no_line() -> None:
    assert read_document(TEXT).problem(("z",), "no").line is None


@pytest.mark.parametrize("text", ["", "---\n", "# only a comment\n"])
def test_an_empty_file_is_an_empty_configuration(text: str) -> None:
    assert read_document(text).tree == {}
    assert not read_document(text).problems


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: 'x\n", 2, "not YAML"),
        ("- a\n- b\n", 1, "name: value"),
        ("just text\n", 1, "name: value"),
        ("a: 1\n---\nb: 2\n", 2, "not YAML"),
        ("a: *nowhere\n", 1, "not YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "`a` stands here twice (first in line 1)"),
        ("x: {a: 1, a: 2}\n", 1, "twice"),
        ("? [1, 2]\n: 3\n", 1, "plain text"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "merge keys"),
        ("a: !secret x\n", 1, "!secret is not supported"),
    ],
)
def test_what_yaml_or_we_forbid_is_a_problem_with_its_line(text: str, line: int, said: str) -> None:
    (problem,) = read_document(text).problems
    assert problem.line == line
    assert said in problem.message


def test_both_duplicates_are_named_not_the_first_alone() -> None:
    assert len(read_document("a: 1\na: 2\nb: 1\nb: 2\n").problems) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0x1F", 31),
        ("0o17", 15),
        ("010", 10),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("2026-01-02", "2026-01-02"),
        ("12:30:00", "12:30:00"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("1_000", "1_000"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = read_document(f"a: {text}\n").tree["a"]
    assert found == value
    assert type(found) is type(value)


def test_an_alias_stands_for_what_it_names() -> None:
    assert read_document("a: &x [1]\nb: *x\n").tree == {"a": [1], "b": [1]}


def test_an_alias_that_contains_itself_ends() -> None:
    document = read_document("a: &x [*x]\n")
    assert "contains itself" in document.problems[0].message


def test_a_mountain_of_brackets_does_not_crash() -> None:
    assert read_document("a: " + "[" * 1000).problems


def test_json_is_yaml() -> None:
    assert read_document('{"a": "\\u00e9", "b": [true, null]}').tree == {"a": "é", "b": [True, None]}


@given(st.text(max_size=80))
def test_any_text_is_a_tree_or_a_problem(text: str) -> None:
    document = read_document(text)
    assert isinstance(document.tree, dict)


@given(st.text(alphabet="ab:-[]{}&*!?|>'\"# \n\t,~", max_size=60))
def test_and_any_text_made_of_yaml_signs(text: str) -> None:
    assert isinstance(read_document(text).tree, dict)


def test_a_place_is_written_with_dots_and_brackets() -> None:
    assert dotted(("idps", 0, "claims", "groups", 1)) == "idps[0].claims.groups[1]"
    assert dotted(()) == ""
