"""Text has something in it; one string may stand for a list of one."""

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy.settings.text import IdpName, Texts, as_tuple, check_text


@pytest.mark.parametrize("wrong", ["", " ", " a", "a ", "a\nb", "a\x00"])
def test_text_without_something_in_it_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="write some text"):
        check_text(wrong)


def test_text_may_have_spaces_and_any_script() -> None:
    assert check_text("Größe 日本") == "Größe 日本"


def test_one_string_is_a_list_of_one() -> None:
    assert as_tuple("a") == ("a",)
    assert as_tuple(["a", "b"]) == ("a", "b")
    assert as_tuple(3) == 3


def test_lists_of_text_are_checked_item_by_item() -> None:
    adapter = TypeAdapter(Texts)
    assert adapter.validate_json('"a"') == ("a",)
    with pytest.raises(ValidationError):
        adapter.validate_json('["a", ""]')


@pytest.mark.parametrize("name", ["corp", "a", "0", "my-idp_2", "x" * 32])
def test_an_id_is_short_and_plain(name: str) -> None:
    assert TypeAdapter(IdpName).validate_python(name) == name


@pytest.mark.parametrize("wrong", ["", "Corp", "-a", "a b", "a/b", "ä", "x" * 33, "a\n"])
def test_what_would_not_fit_an_address_is_no_id(wrong: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(IdpName).validate_python(wrong)
