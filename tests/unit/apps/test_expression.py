"""JMESPath over answers."""

import pytest

from proxy.apps.expression import Unread, is_so, parse_expression


def test_it_finds_what_is_there_and_none_for_what_is_not() -> None:
    assert parse_expression("a.b").read({"a": {"b": [1]}}) == [1]
    assert parse_expression("a.b").read({"a": 1}) is None
    assert parse_expression("@").read("x") == "x"


def test_types_that_it_does_not_expect_are_told_without_the_value() -> None:
    with pytest.raises(Unread) as error:
        parse_expression("join(' ', names)").read({"names": "secret"})
    assert "secret" not in str(error.value)
    assert "join" in str(error.value)


@pytest.mark.parametrize("source", ["[[", "a..b", "a b", "unknown_function(a", ""])
def test_what_is_no_expression_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="no JMESPath"):
        parse_expression(source)


def test_a_function_that_does_not_exist_is_told_when_it_is_read() -> None:
    with pytest.raises(Unread):
        parse_expression("nonsense(a)").read({"a": 1})


def test_equal_sources_are_equal() -> None:
    assert parse_expression("a") == parse_expression("a")
    assert parse_expression("a") != parse_expression("b")


def test_only_true_is_so() -> None:
    asked = parse_expression("a == `1`")
    assert is_so(asked, {"a": 1})
    assert not is_so(asked, {"a": 2})
    assert not is_so(parse_expression("a"), {"a": "text"})
    assert not is_so(parse_expression("length(a) == `0`"), {"a": None})
    assert not is_so(None, {})
