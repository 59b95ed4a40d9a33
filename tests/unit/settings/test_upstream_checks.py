"""What an upstream's settings contradict."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.configurations import mistakes_of

API = {"prefix": "/api", "url": "http://127.0.0.1:3001"}

ASKED = {"forward_auth": {"enabled": True}, "trusted_proxies": ["10.0.0.7"]}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"upstreams": [API, {**API, "prefix": "/api/"}]}, "upstreams[1].prefix"),
        ({"upstream": {"url": "http://a", "tls": {"server_name": "b"}}}, "upstream.tls"),
        ({"upstreams": [{**API, "tls": {"server_name": "b"}}]}, "upstreams[0].tls"),
        ({"upstream": {"url": "https://a", "tls": {"cert_file": "c.pem"}}}, "upstream.tls.cert_file"),
        ({"upstream": {"url": "https://a", "tls": {"key_file": "c.pem"}}}, "upstream.tls.key_file"),
        ({"upstream": None}, "upstream"),
        ({"upstream": None, "upstreams": [API]}, "upstream"),
        ({"listen": "0.0.0.0:3001", "upstreams": [API]}, "upstreams[0].url"),
        ({"listen": "127.0.0.1:8080", "upstream": {"url": "http://localhost:8080"}}, "upstream.url"),
        ({"listen": "127.0.0.1:443", "upstream": {"url": "https://127.0.0.1"}}, "upstream.url"),
    ],
)
def test_a_contradiction_is_said_where_it_stands(changes: dict[str, Any], path: str, tmp_path: Path) -> None:
    (tmp_path / "c.pem").touch()
    assert list(mistakes_of(tmp_path, **changes)) == [path]


@pytest.mark.parametrize(
    "changes",
    [
        {"upstreams": [API, {**API, "prefix": "/api/v2"}]},
        {"upstream": None, **ASKED},
        {"upstream": None, "upstreams": [API], **ASKED},
        {"upstream": {"url": "unix:///run/app.sock"}, "listen": "0.0.0.0:80"},
        {"upstream": {"url": "https://a", "tls": {"cert_file": "c.pem", "key_file": "c.pem"}}},
        {"listen": "127.0.0.1:8080", "upstream": {"url": "http://127.0.0.2:8080"}},
        {"listen": "127.0.0.1:80", "upstream": {"url": "https://127.0.0.1"}},
    ],
)
def test_what_only_looks_like_one_is_served(changes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "c.pem").touch()
    assert mistakes_of(tmp_path, **changes) == {}


def test_without_an_app_it_says_what_may_be_written_instead(tmp_path: Path) -> None:
    said = mistakes_of(tmp_path, upstream=None)["upstream"]
    assert "url" in said
    assert "forward_auth" in said
