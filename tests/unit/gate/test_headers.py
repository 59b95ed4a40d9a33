"""The identity header block: reversible, complete or refused, and nothing that a header cannot carry."""

from urllib.parse import unquote

import pytest

from proxy.gate.headers import HeaderNames, IdentityHeaders, TooLarge, Unsendable, encoded, render_block
from proxy.login import UserEncoding

NAMES = HeaderNames()


def test_a_whole_person() -> None:
    person = IdentityHeaders(user="ada", email="ada@example.com", username="Ada", groups=("engineers", "ops"))
    assert render_block(person, NAMES) == (
        b"X-Forwarded-User: ada\r\nX-Forwarded-Email: ada@example.com\r\n"
        b"X-Forwarded-Preferred-Username: Ada\r\nX-Forwarded-Groups: engineers,ops\r\n"
    )


def test_groups_not_stated_are_absent_and_no_groups_are_an_empty_header() -> None:
    assert render_block(IdentityHeaders(user="ada"), NAMES) == b"X-Forwarded-User: ada\r\n"
    known = render_block(IdentityHeaders(user="ada", groups=()), NAMES)
    assert known == b"X-Forwarded-User: ada\r\nX-Forwarded-Groups: \r\n"


def test_names_are_the_operators() -> None:
    names = HeaderNames(user="Remote-User", groups="Remote-Groups")
    block = render_block(IdentityHeaders(user="ada", groups=("a",)), names)
    assert block == b"Remote-User: ada\r\nRemote-Groups: a\r\n"
    assert names.all() == (
        "Remote-User",
        "X-Forwarded-Email",
        "Remote-Groups",
        "X-Forwarded-Preferred-Username",
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("100%", "100%25"),
        ("a\r\nX-Evil: b", "a%0D%0AX-Evil: b"),
        ("\x00\x1f\x7f", "%00%1F%7F"),
        ("Jürgen", "J%C3%BCrgen"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
        ("a b", "a b"),
        (" a ", "%20a%20"),
        ("   ", "%20%20%20"),
        ("a,b", "a,b"),
        ("\ud800", "%ED%A0%80"),
        ("", ""),
    ],
)
def test_what_a_header_cannot_carry_is_percent_encoded(text: str, value: str) -> None:
    assert encoded(text) == value


def test_a_comma_within_a_group_is_encoded_so_that_it_never_parts_two() -> None:
    block = render_block(IdentityHeaders(user="a", groups=("x,y", "z", " w")), NAMES)
    assert isinstance(block, bytes)
    value = block.decode().splitlines()[-1].split(": ")[1]
    assert [unquote(part) for part in value.split(",")] == ["x,y", "z", " w"]


def test_a_login_is_sent_as_it_is_or_not_at_all() -> None:
    assert render_block(IdentityHeaders(user="a%2Cb,c d"), NAMES) == b"X-Forwarded-User: a%2Cb,c d\r\n"
    assert render_block(IdentityHeaders(user="j\u00f6rg"), NAMES) == Unsendable(login="j\u00f6rg")
    block = render_block(IdentityHeaders(user="j\u00f6rg"), NAMES, user_encoding=UserEncoding.UTF_8)
    assert block == "X-Forwarded-User: j\u00f6rg\r\n".encode()


def test_groups_beyond_the_cap_are_an_error_and_never_cut() -> None:
    person = IdentityHeaders(user="ada", groups=("a" * 10, "b" * 10))
    assert render_block(person, NAMES, groups_max_bytes=20) == TooLarge(size=21, cap=20)
    assert isinstance(render_block(person, NAMES, groups_max_bytes=21), bytes)


def test_the_cap_counts_encoded_bytes() -> None:
    person = IdentityHeaders(user="ada", groups=("ü",))
    assert render_block(person, NAMES, groups_max_bytes=5) == TooLarge(size=6, cap=5)
