"""Sections about requests."""

from pathlib import Path
from typing import Any

import pytest

from proxy.settings.traffic import check_header_name, check_open_path
from tests.fakes.configurations import mistakes_of, settings_of


@pytest.mark.parametrize("path", ["/health", "/static/*", "/*", "/a/b.c", "/a~b", "/.well-known/*"])
def test_an_open_path_is_exact_or_a_prefix(path: str) -> None:
    assert check_open_path(path) == path


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("health", "exact path"),
        ("", "exact path"),
        ("/a*", "exact path"),
        ("/*/b", "exact path"),
        ("/a/*/*", "exact path"),
        ("/a b", "plain text"),
        ("/a?b", "plain text"),
        ("/%61", "plain text"),
        ("/ä", "plain text"),
        ("/a\\b", "plain text"),
        ("//a", "no empty"),
        ("/a/../b", "no empty"),
        ("/a/.", "no empty"),
        ("/_muster/*", "Muster's own"),
        ("/_muster/profile", "Muster's own"),
        ("/_muster", "Muster's own"),
    ],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(wrong: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_open_path(wrong)


def test_a_path_that_only_begins_like_ours_may_be_open() -> None:
    assert check_open_path("/_mustering") == "/_mustering"


@pytest.mark.parametrize("wrong", ["", "X Forwarded", "X:Y", "X-ü", "X\r\nY"])
def test_what_is_no_header_name_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a header name"):
        check_header_name(wrong)


def test_sizes_and_times_are_read_in_their_units(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, limits={"header_bytes": "16KiB", "idle_timeout": "2m", "body_bytes": "1MiB"}
    )
    assert (settings.limits.header_bytes, settings.limits.idle_timeout, settings.limits.body_bytes) == (
        16384,
        120.0,
        1048576,
    )


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ({"limits": {"header_count": 0}}, "limits.header_count"),
        ({"limits": {"header_bytes": "2047B"}}, "limits.header_bytes"),
        ({"limits": {"connections": 0}}, "limits.connections"),
        ({"limits": {"header_timeout": "0s"}}, "limits.header_timeout"),
        ({"upstream": {"url": "http://a:1", "connections": 0}}, "upstream.connections"),
        ({"headers": {"groups_max_bytes": 100}}, "headers.groups_max_bytes"),
    ],
)
def test_limits_of_nothing_are_refused(section: dict[str, Any], path: str, tmp_path: Path) -> None:
    assert list(mistakes_of(tmp_path, **section)) == [path]


def test_the_claim_that_is_the_user_is_one_that_can_be_sent(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, app=None, headers={"user_claim": "email"}) == {}
    assert (
        "write one of sub, email, username"
        in mistakes_of(tmp_path, app=None, headers={"user_claim": "upn"})["headers.user_claim"]
    )
