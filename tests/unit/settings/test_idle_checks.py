"""What is written and does nothing, or leads back to Muster, is told."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.configurations import settings_of


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"trust_every_proxy": True, "trusted_proxies": ["10.0.0.0/8"]}, "trust_every_proxy"),
        ({"assertion": {"audience": "wiki"}}, "assertion"),
        ({"websockets": {"enabled": False, "origins": ["https://a.example.com"]}}, "websockets.origins"),
        ({"upstream": {"url": "https://app.example.com"}}, "upstream.url"),
        ({"upstreams": [{"prefix": "/a", "url": "https://app.example.com:443"}]}, "upstreams[0].url"),
    ],
)
def test_it_is_a_warning_at_its_place(changes: dict[str, Any], path: str, tmp_path: Path) -> None:
    assert [one.path for one in settings_of(tmp_path, **changes).warnings] == [path]


@pytest.mark.parametrize(
    "changes",
    [
        {"trust_every_proxy": True, "trusted_proxies": ["0.0.0.0/0"]},
        {"assertion": {"enabled": True, "audience": "wiki"}},
        {"websockets": {"origins": ["https://a.example.com"]}},
        {"upstream": {"url": "https://app.example.com:8443"}},
        {"upstream": {"url": "unix:///run/app.sock"}},
    ],
)
def test_what_has_an_effect_is_none(changes: dict[str, Any], tmp_path: Path) -> None:
    assert settings_of(tmp_path, **changes).warnings == ()
