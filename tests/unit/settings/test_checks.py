"""Contradictions between settings, each found at its place."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.configurations import IDP, mistakes_of

SECOND = {"id": "second", "issuer": "https://second.example.com", "client_id": "muster"}


@pytest.mark.parametrize(
    "url",
    ["https://app.example.com", "http://localhost:8080", "http://app.localhost", "http://127.0.0.1:8080"],
)
def test_https_and_loopback_need_no_permission(url: str, tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, public_url=url) == {}


def test_plain_http_beyond_loopback_must_be_demanded(tmp_path: Path) -> None:
    assert "insecure_http" in mistakes_of(tmp_path, public_url="http://app.example.com")["public_url"]
    assert mistakes_of(tmp_path, public_url="http://app.example.com", insecure_http=True) == {}


def test_an_issuer_on_plain_http_beyond_loopback_too(tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, idps=[{**IDP, "issuer": "http://idp.example.com"}])
    assert list(found) == ["idps[0].issuer"]
    assert mistakes_of(tmp_path, idps=[{**IDP, "issuer": "http://idp.localhost:9000"}]) == {}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"listen": ["127.0.0.1:1", "127.0.0.1:1"]}, "listen"),
        ({"listen": "127.0.0.1:8080", "ops_listen": "127.0.0.1:8080"}, "ops_listen"),
        ({"trusted_proxies": ["10.0.0.0/8", "0.0.0.0/0"]}, "trusted_proxies[1]"),
        ({"trusted_proxies": ["::/0"]}, "trusted_proxies[0]"),
        ({"proxy_protocol": True}, "proxy_protocol"),
        ({"admin_token": {"env": "CLIENT_SECRET"}}, "admin_token"),
        ({"listen": "127.0.0.1:3000"}, "upstream.url"),
        ({"listen": "0.0.0.0:3000"}, "upstream.url"),
        ({"listen": "[::]:3000"}, "upstream.url"),
        ({"idps": [dict(IDP), {**SECOND, "id": "corp"}]}, "idps[1].id"),
        ({"idps": [dict(IDP), {**SECOND, "issuer": IDP["issuer"]}]}, "idps[1].issuer"),
        ({"sign_in": {"enforce": "other"}}, "sign_in.enforce"),
        (
            {
                "idps": [dict(IDP), SECOND],
                "sign_in": {"enforce": "corp"},
                "bearer": [{"idp": "corp", "audiences": "a"}, {"idp": "second", "audiences": "a"}],
            },
            "bearer[1].idp",
        ),
        (
            {"idps": [{**IDP, "domains": ["a.example"]}, {**SECOND, "domains": "A.example"}]},
            "idps[1].domains",
        ),
        ({"idps": [{**IDP, "domains": ["a.example", "a.example"]}]}, "idps[0].domains"),
        ({"idps": [{**IDP, "client_auth": "client_secret_post"}]}, "idps[0].client_auth"),
        ({"groups": {"links": [{"app": "A", "idp": "x"}, {"app": "A", "idp": "y"}]}}, "groups.links[1].app"),
        (
            {"groups": {"links": [{"app": "A", "idp": "x", "idps": ["corp", "other"]}]}},
            "groups.links[0].idps[1]",
        ),
        ({"roles": {"order": [{"name": "a"}, {"name": "a"}]}}, "roles.order[1].name"),
        ({"roles": {"order": [{"name": "a", "group": "g"}, {"name": "b", "group": "g"}]}}, "roles.order"),
        ({"roles": {"default": "z", "order": [{"name": "a"}]}}, "roles.default"),
        (
            {"roles": {"order": [{"name": "a", "group": "g"}]}, "groups": {"default_group": "d"}},
            "groups.default_group",
        ),
        ({"app": None}, "headers.user_claim"),
        ({"headers": {"user_claim": "email"}}, "headers.user_claim"),
        ({"headers": {"user": "X-Me", "email": "x_me"}}, "headers.email"),
        ({"headers": {"groups": "Cookie"}}, "headers.groups"),
        ({"paths": [{"path": "/a", "idps": ["corp", "other"]}]}, "paths[0].idps[1]"),
        ({"paths": [{"path": "/a", "identity": "optional", "groups": ["x"]}]}, "paths[0].identity"),
        ({"paths": [{"path": "/a", "identity": "optional", "idps": ["corp"]}]}, "paths[0].identity"),
        ({"paths": [{"path": "/a", "identity": "optional", "max_age": "5m"}]}, "paths[0].identity"),
        ({"paths": [{"path": "/a", "identity": "optional", "acr_values": ["x"]}]}, "paths[0].identity"),
        ({"trusted_proxies": ["10.0.0.0/8", "0.0.0.0/1", "128.0.0.0/1"]}, "trusted_proxies[2]"),
        ({"refresh": {"every": "1m"}}, "refresh.at_least"),
        ({"refresh": {"grace": "10s"}}, "refresh.cool_off"),
        ({"session": {"idle": "31d"}}, "session.idle"),
        ({"keys_file": "muster.db"}, "keys_file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_contradiction_is_named_at_its_place(changes: dict[str, Any], path: str, tmp_path: Path) -> None:
    assert list(mistakes_of(tmp_path, **changes)) == [path]


@pytest.mark.parametrize(
    "changes",
    [
        {"trusted_proxies": ["0.0.0.0/0"], "trust_every_proxy": True},
        {"trusted_proxies": ["10.0.0.0/8"], "proxy_protocol": True},
        {"listen": ["127.0.0.1:0", "127.0.0.1:0"]},
        {"listen": "0.0.0.0:3000", "upstream": {"url": "http://app.internal:3000"}},
        {"listen": "127.0.0.1:8080", "ops_listen": "127.0.0.1:9090"},
        {"idps": [dict(IDP), SECOND]},
        {"idps": [dict(IDP), SECOND], "sign_in": {"enforce": "second", "last_used": "go"}},
        {"idps": [{**IDP, "domains": ["a.example"]}, {**SECOND, "domains": "b.example"}]},
        {"groups": {"links": [{"app": "A", "idp": "x"}, {"app": "B", "idp": "x"}]}},
        {"groups": {"default_group": "d"}, "roles": {"order": [{"name": "a"}]}},
        {"roles": {"default": "a", "order": [{"name": "a"}, {"name": "b"}]}},
        {"app": None, "headers": {"user_claim": "email"}},
        {"refresh": {"every": "5s", "at_least": "1s", "grace": "5s", "cool_off": "1s"}},
    ],
)
def test_what_only_looks_like_one_is_served(changes: dict[str, Any], tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, **changes) == {}


def test_a_public_client_has_no_secret(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("x")
    found = mistakes_of(tmp_path, idps=[{**IDP, "client_secret": {"file": "s"}, "client_auth": "none"}])
    assert found == {"idps[0].client_auth": "a public client (none) has no client_secret"}


def test_contradictions_are_found_all_at_once(tmp_path: Path) -> None:
    found = mistakes_of(
        tmp_path, public_url="http://a.example.com", app=None, roles={"default": "z"}, session={"idle": "31d"}
    )
    assert set(found) == {"public_url", "headers.user_claim", "roles.default", "session.idle"}
