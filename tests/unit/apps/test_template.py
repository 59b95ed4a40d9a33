"""Placeholders: what they stand for, and what is no placeholder."""

import pytest

from proxy.apps.template import Json, Unrendered, as_text, parse_template

KNOWN: dict[str, Json] = {
    "login": "anna",
    "email": None,
    "name": "",
    "number": 7,
    "is_on": False,
    "many": ["a", "b"],
    "id": "12",
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{login}", "anna"),
        ("{number}", 7),
        ("{is_on}", False),
        ("{many}", ["a", "b"]),
        ("{email}", None),
        ("{name}", None),
        ("{nothing}", None),
        ("{email|login}", "anna"),
        ("{name|email|number}", 7),
        ("{email|'-'}", "-"),
        ("{email|name|'none'}", "none"),
        ("{login|'-'}", "anna"),
        ("{login:2}", "an"),
        ("{email|login:3}", "ann"),
        ("{email|'longer':4}", "long"),
        ("{id:int}", 12),
        ("{email:int}", None),
        ("<{login}>", "<anna>"),
        ("{login}{number}", "anna7"),
        ("{is_on}!", "false!"),
        ("{ login }", "anna"),
    ],
)
def test_a_placeholder_stands_for_what_is_known(source: str, value: object) -> None:
    assert parse_template(source).value(KNOWN) == value


@pytest.mark.parametrize("source", ["<{email}>", "{name} ", "x{nothing}", "a{many}"])
def test_a_longer_text_with_nothing_known_is_never_written(source: str) -> None:
    with pytest.raises(Unrendered):
        parse_template(source).value(KNOWN)


@pytest.mark.parametrize(
    "source",
    ["{", "}", "{login", "login}", "{{login}}", "{}", "{lo gin}", "{login:x}", "{login:}", "{|login}"],
)
def test_what_is_no_placeholder_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"brace|placeholder"):
        parse_template(source)


def test_a_number_must_be_one() -> None:
    with pytest.raises(Unrendered, match="login:int"):
        parse_template("{login:int}").value(KNOWN)


def test_an_error_names_the_placeholder_and_no_value() -> None:
    with pytest.raises(Unrendered) as error:
        parse_template("{login}/{email}").text(KNOWN)
    assert "{email}" in str(error.value)
    assert "anna" not in str(error.value)


def test_names_are_those_of_every_alternative() -> None:
    assert parse_template("{a|b}/{variables.Some_Thing|'x'}").names == {"a", "b", "variables.Some_Thing"}


def test_a_text_is_known_when_all_of_it_is() -> None:
    assert parse_template("{login}-{number}").is_known(KNOWN)
    assert not parse_template("{login}-{email}").is_known(KNOWN)
    assert parse_template("plain").is_known({})


def test_text_of_scalars() -> None:
    assert [as_text(value, "x") for value in (True, False, 0, 1.5, "ä")] == ["true", "false", "0", "1.5", "ä"]
