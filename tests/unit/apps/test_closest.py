"""Suggestions for what is not known."""

from proxy.apps.closest import suggestion


def test_a_near_word_is_suggested() -> None:
    assert suggestion("acount", ["account", "group"]) == " (did you mean “account”?)"


def test_nothing_near_gives_nothing() -> None:
    assert suggestion("xyz", ["account", "group"]) == ""
    assert suggestion("xyz", []) == ""
