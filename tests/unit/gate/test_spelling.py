"""Plain paths, open spellings, and all the ways to read the others."""

import time

import pytest

from proxy.gate.spelling import is_open_spelling, is_plain, readings


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/a",
        b"/a/",
        b"/a/b.c",
        b"/~ada/x_y-z",
        b"/.well-known/x",
        b"/a..b",
        b"/@user,x=1:2+3!$&'()*",
    ],
)
def test_ordinary_characters_in_ordinary_segments_are_plain(path: bytes) -> None:
    assert is_plain(path)
    assert is_open_spelling(path)
    assert readings(path) == frozenset({path})


AMBIGUOUS = [
    b"/a/../b", b"/a/./b", b"/..", b"/a/.", b"//a", b"/a//b", b"/a;x=1", b"/a%2fb", b"/a%2Fb", b"/a%5cb", b"/a\\b", b"/a%2e%2e/b",
    b"/%2E/b", b"/a%3bb", b"/a%25b", b"/%61", b"/a%00", b"/a%0a", b"/a%c0%af", b"/a%ff", b"/a%ef%bc%8fb",
    b"/a%ef%bc%8e%ef%bc%8e/b",
    b"/a%e2%80%a4", b"/a%3fb", b"/a%23b", b"/a%", b"/a%zz", b"/..%20/b", b"/%20/b", b"/a\xffb", b"/a%7f",
]  # fmt: skip


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_nothing_ambiguous_is_ever_open(path: bytes) -> None:
    assert not is_plain(path)
    assert not is_open_spelling(path)


@pytest.mark.parametrize(
    "path", [b"/My%20file.png", b"/%C3%A9t%c3%a9.css", b"/a%40b%3Ac", b"/%E6%97%A5%E6%9C%AC", b"/a%5B0%5D"]
)
def test_ordinary_file_names_are_open_though_they_must_be_escaped(path: bytes) -> None:
    assert is_open_spelling(path)


@pytest.mark.parametrize(
    ("path", "read"),
    [
        (b"/%61dmin", {b"/%61dmin", b"/admin"}),
        (b"/a%2fb", {b"/a%2fb", b"/a/b"}),
        (b"/a;x/b", {b"/a;x/b", b"/a/b"}),
        (b"//a", {b"//a", b"/a"}),
        (b"/a\\b", {b"/a\\b", b"/a/b"}),
        (b"/a%3fb", {b"/a%3fb", b"/a?b", b"/a"}),
        (b"/%2561", {b"/%2561", b"/%61", b"/a"}),
        (b"/%EF%BD%81", {b"/%EF%BD%81", "/\uff41".encode(), b"/a"}),
        (b"/%ff", {b"/%ff", b"/\xff"}),
        (b"/admin./x", {b"/admin./x", b"/admin/x"}),
        (b"/admin%20/x", {b"/admin%20/x", b"/admin /x", b"/admin/x"}),
        (b"/admin%u002fx", {b"/admin%u002fx", b"/admin/x"}),
        (b"/x.", {b"/x.", b"/x"}),
    ],
)
def test_every_way_to_read_a_path_is_found(path: bytes, read: set[bytes]) -> None:
    assert readings(path) == frozenset(read)


@pytest.mark.parametrize(
    "path",
    [
        b"/...", b"/a/../b", b"/a/%2e%2e/b", b"/a/%252e%252e/b", b"/..;/b", b"/a%00", b"/a%c0%afb", b"/a%e0%80%afb",
        b"/x/..%20/b", b"/" + b"%2561" * 1000, b"/%" + b"25" * 70 + b"61",
    ],
)  # fmt: skip
def test_what_takes_guesswork_is_not_read_at_all(path: bytes) -> None:
    assert readings(path) is None


LABOUR = {
    "dots that end no segment": b"/%2525252541;a\\b//c%255c%253b%u0041/" + b"." * 3900 + b"x",
    "dots behind many ways to read": b"/a;b\\c//d%255ce%253bf%3fg%23h/i. /%25u0041%2541/"
    + b"." * 3900
    + b"x",
    "spaces that end no segment": b"/;a/" + b" " * 4000 + b"x",
    "one escape around another": b"/%" + b"25" * 2000 + b"41",
    "long escapes in many readings": b"/" + b"%u0041" * 650 + b";a\\b//c%255c%253b",
}


@pytest.mark.parametrize("name", LABOUR)
def test_no_path_is_laborious_to_read(name: str) -> None:
    """Anybody may send one, signed in or not. Work that grew with the square of its length took twelve seconds here."""
    before = time.process_time()
    for _ in range(5):
        readings(LABOUR[name])
    assert time.process_time() - before < 2.0


def test_a_long_path_with_an_ordinary_escape_is_read() -> None:
    path = b"/files/" + b"%E6%97%A5" * 400 + b"%2Fname"
    assert readings(path) is not None
