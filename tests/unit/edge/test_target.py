"""Targets: their forms, and other spellings of own paths."""

import pytest

from proxy.edge.target import is_ambiguous, is_plain, read_target


@pytest.mark.parametrize(
    ("method", "raw", "expected"),
    [
        (b"GET", b"/", (b"/", b"/", None)),
        (b"GET", b"/a?b?c", (b"/a?b?c", b"/a", None)),
        (b"GET", b"//a//", (b"//a//", b"//a//", None)),
        (b"OPTIONS", b"*", (b"*", b"*", None)),
        (b"GET", b"http://a.example", (b"/", b"/", b"a.example")),
        (b"GET", b"HTTPS://A.example:8/x?y", (b"/x?y", b"/x", b"a.example:8")),
        (b"GET", b"http://a?y", (b"/?y", b"/", b"a")),
        (b"OPTIONS", b"http://a", (b"*", b"*", b"a")),
        (b"OPTIONS", b"http://a/", (b"/", b"/", b"a")),
    ],
)
def test_accepted_forms(method: bytes, raw: bytes, expected: tuple[bytes, bytes, bytes | None]) -> None:
    assert read_target(method, raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"*",
        b"a",
        b"a:80",
        b"ftp://a/",
        b"http:///x",
        b"http://u@a/",
        b"/a b",
        b"/a#b",
        b"/\x7f",
        b"/\x00",
        b"/\t",
    ],
)
def test_refused_forms(raw: bytes) -> None:
    assert read_target(b"GET", raw) is None
    assert not is_plain(raw)


def test_plain_targets_are_paths_of_unreserved_characters() -> None:
    assert is_plain(b"/a/B-c_d.e~1")
    assert not is_plain(b"/a?b")
    assert not is_plain(b"/%61")
    assert not is_plain(b"/a\n")


@pytest.mark.parametrize(
    "path",
    [
        b"/%5Fmuster/x",
        b"/_m%75ster/x",
        b"/%25255fmuster/x",
        b"//_muster/x",
        b"/./_muster/x",
        b"/a/../_muster/x",
        b"/a/%2e%2e/_muster/x",
        b"/a/..;p/_muster/x",
        b"/_muster;a=b/x",
        b"\\_muster\\x",
        b"/%5c_muster/x",
        b"/_Muster/x",
        b"/_muster/../x",
        b"/_muster/a/../../x",
        b"/_muster/%2e%2e/x",
        b"/_muster\\x",
        b"/%2f_muster/x",
        b"/_muster%2fx",
    ],
)
def test_another_spelling_of_an_own_path_is_ambiguous(path: bytes) -> None:
    assert is_ambiguous(path)


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/_muster/",
        b"/_muster/x%20y",
        b"/_muster",
        b"/musterx/",
        b"/a/_muster/x",
        b"/100%",
        b"/%",
        b"*",
        b"/a;b",
    ],
)
def test_a_plain_path_is_not(path: bytes) -> None:
    assert not is_ambiguous(path)
