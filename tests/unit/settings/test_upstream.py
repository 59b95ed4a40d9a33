"""Where the app listens, and how it is recognised."""

from pathlib import Path

import pytest

from proxy.settings.upstream import check_authority, check_prefix, check_server_name, check_upstream_url
from tests.fakes.configurations import mistakes_of, upstream_of


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
        ("https://App.internal:8443", "https://app.internal:8443"),
        ("unix:///run/app.sock", "unix:///run/app.sock"),
    ],
)
def test_an_upstream_is_an_origin_or_a_socket(text: str, url: str) -> None:
    assert check_upstream_url(text) == url


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("app:3000", "unix:///run/app.sock"),
        ("unix:/run/app.sock", "unix:///run/app.sock"),
        ("ws://app:3000", "https://host:port"),
        ("http://app/path", "must not have a path"),
        ("https://me:secret@app", "user name or password"),
        ("unix://run/app.sock", "absolute path"),
        ("http://a..b", "longer than 63 bytes"),
        ("https://" + "a" * 64 + ".example", "longer than 63 bytes"),
        ("unix:///", "absolute path"),
        ("unix:///" + "a" * 107, "at most 107 bytes"),
    ],
)
def test_anything_else_is_refused(wrong: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_upstream_url(wrong)


@pytest.mark.parametrize(("text", "prefix"), [("/api", "/api"), ("/api/", "/api"), ("/a/b/*", "/a/b")])
def test_a_prefix_is_of_whole_segments(text: str, prefix: str) -> None:
    assert check_prefix(text) == prefix


@pytest.mark.parametrize(
    "wrong", ["/", "", "/*", "/a*", "api", "/a/../b", "/%61", "/a;b", "/_muster/x", "//a"]
)
def test_a_prefix_that_could_be_read_in_two_ways_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_prefix(wrong)


@pytest.mark.parametrize("wrong", ["", "a b", "a:1", "ä.example", "-a", "a\r\nb"])
def test_what_is_no_server_name_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        check_server_name(wrong)


@pytest.mark.parametrize("wrong", ["", "a b", "a:b", "a\r\nX: y", "http://a", "a/b", "a:123456"])
def test_what_is_no_host_header_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="host name"):
        check_authority(wrong)


def test_there_is_no_way_to_leave_verification_out(tmp_path: Path) -> None:
    for name in ("verify", "insecure", "insecure_skip_verify", "check_hostname"):
        found = mistakes_of(tmp_path, upstream={"url": "https://app", "tls": {name: False}})
        assert list(found) == [f"upstream.tls.{name}"]


def test_an_app_on_https_needs_nothing_but_its_url(tmp_path: Path) -> None:
    assert upstream_of(tmp_path, url="https://app.internal").tls.ca_file is None


def test_a_prefix_without_its_slash_is_told_what_a_prefix_looks_like() -> None:
    with pytest.raises(ValueError, match="such as /api: it covers"):
        check_prefix("api")
