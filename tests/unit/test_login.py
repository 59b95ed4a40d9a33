"""A login is sent as it is or not at all."""

import pytest

from proxy.login import UserEncoding, sent_as

ASCII, UTF_8 = UserEncoding.ASCII, UserEncoding.UTF_8


@pytest.mark.parametrize(
    "login", ["ada", "a.b@example.com", "100%", "al%C4%B1ce", "a,b", "a b", "DOM\\ada", "~", "0"]
)
@pytest.mark.parametrize("encoding", UserEncoding)
def test_printable_ascii_is_sent_as_it_is(login: str, encoding: UserEncoding) -> None:
    assert sent_as(login, encoding) == login.encode("ascii")


@pytest.mark.parametrize("login", ["j\u00f6rg", "al\u0131ce", "\u65e5\u672c", "a\u00a0b", "e\u0301"])
def test_other_letters_are_sent_only_to_an_app_that_reads_utf_8_and_then_byte_for_byte(login: str) -> None:
    assert sent_as(login, ASCII) is None
    assert sent_as(login, UTF_8) == login.encode()


@pytest.mark.parametrize(
    "login",
    [
        "",
        " ",
        " ada",
        "ada ",
        "ada\t",
        "\u00a0ada",
        "ada\u3000",
        "a\r\nX-Evil: b",
        "a\x00",
        "a\x7fb",
        "a\u0085b",
        "a\u2028b",
        "a\u2029b",
        "\ud800",
    ],
)
@pytest.mark.parametrize("encoding", UserEncoding)
def test_what_a_reader_may_cut_or_refuse_is_never_sent(login: str, encoding: UserEncoding) -> None:
    assert sent_as(login, encoding) is None
