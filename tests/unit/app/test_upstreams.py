"""From an operator's upstreams to the edge's rules."""

from pathlib import Path
from typing import Any

import pytest

from proxy.app.upstreams import check_upstream_files, routes, upstream_rules
from proxy.edge.rules import TlsRules
from proxy.errors import SettingsError
from tests.fakes.certificates import Authority
from tests.fakes.configurations import settings_of, upstream_of


@pytest.mark.parametrize(
    ("url", "host", "port", "authority"),
    [
        ("http://127.0.0.1:3000", "127.0.0.1", 3000, b"127.0.0.1:3000"),
        ("http://app", "app", 80, b"app"),
        ("http://[::1]:3000", "::1", 3000, b"[::1]:3000"),
        ("https://app", "app", 443, b"app"),
        ("https://app:80", "app", 80, b"app:80"),
        ("unix:///run/app.sock", "", 0, b"localhost"),
    ],
)
def test_the_upstream_is_found_where_the_url_says(
    url: str, host: str, port: int, authority: bytes, tmp_path: Path
) -> None:
    rules = upstream_rules(upstream_of(tmp_path, url=url))
    assert (rules.host, rules.port, rules.authority) == (host, port, authority)
    assert (rules.socket_path is None, rules.tls is None) == (
        not url.startswith("unix"),
        not url.startswith("https"),
    )


def test_the_host_of_the_url_is_who_must_be_there_unless_a_name_is_set(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    upstream: dict[str, Any] = {"url": "https://10.0.0.7:8443"}
    assert upstream_rules(upstream_of(tmp_path, **upstream)).tls == TlsRules(server_name="10.0.0.7")
    named = {**upstream, "tls": {"server_name": "app.internal", "ca_file": "ca.pem"}}
    assert upstream_rules(upstream_of(tmp_path, **named)).tls == TlsRules(
        server_name="app.internal", ca_file=str(tmp_path / "ca.pem")
    )


def test_a_host_that_is_set_is_sent_always(tmp_path: Path) -> None:
    upstream = {"url": "http://10.0.0.7", "host": "keep", "host_header": "wiki.internal:8080"}
    rules = upstream_rules(upstream_of(tmp_path, **upstream))
    assert (rules.keeps_host, rules.authority) == (False, b"wiki.internal:8080")


def test_prefixes_lead_to_their_own_rules(tmp_path: Path) -> None:
    ((prefix, rules),) = routes(
        settings_of(tmp_path, upstreams=[{"prefix": "/api/", "url": "http://api:81", "down_for": "9s"}])
    )
    assert (prefix, rules.name, rules.down_for) == (b"/api", "http://api:81", 9.0)


def test_a_certificate_that_cannot_be_used_is_a_mistake_where_it_stands(tmp_path: Path) -> None:
    first = Authority(tmp_path).issue("app")
    (tmp_path / "b").mkdir()
    second = Authority(tmp_path / "b").issue("app")
    (tmp_path / "empty.pem").touch()
    settings = settings_of(
        tmp_path,
        upstream={"url": "https://app", "tls": {"ca_file": "empty.pem"}},
        upstreams=[
            {
                "prefix": "/a",
                "url": "https://a",
                "tls": {"cert_file": str(first.cert), "key_file": str(first.key)},
            },
            {
                "prefix": "/b",
                "url": "https://b",
                "tls": {"cert_file": str(first.cert), "key_file": str(second.key)},
            },
        ],
    )
    with pytest.raises(SettingsError) as caught:
        check_upstream_files(settings)
    assert {problem.path: problem.message for problem in caught.value.problems} == {
        "upstream.tls": "ca_file holds no certificate in PEM",
        "upstreams[1].tls": "cert_file and key_file are no pair in PEM",
    }


def test_nothing_is_looked_at_without_https(tmp_path: Path) -> None:
    check_upstream_files(settings_of(tmp_path))
