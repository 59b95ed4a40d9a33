"""Warnings: served, but probably not meant."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.configurations import IDP, settings_of

SECOND = {**IDP, "id": "second", "issuer": "https://second.example.com"}
ONLY_SECOND = {"path": "/x", "idps": ["second"]}
ASKED: dict[str, Any] = {"forward_auth": {"enabled": True}}


def warnings(folder: Path, **changes: Any) -> dict[str, str]:
    return {warning.path: warning.message for warning in settings_of(folder, **changes).warnings}


def test_an_ordinary_configuration_has_none(tmp_path: Path) -> None:
    assert warnings(tmp_path) == {}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"joining": {}}, "joining.domains"),
        ({"joining": {"domains": ["*", "example.com"]}}, "joining.domains"),
        ({"public_url": "http://app.example.com", "insecure_http": True}, "insecure_http"),
        ({"app": None, "headers": {"user_claim": "sub"}, "groups": {"same_name": True}}, "groups"),
        ({"app": None, "headers": {"user_claim": "sub"}, "roles": {"order": [{"name": "a"}]}}, "roles"),
        ({"open_paths": ["/health", "/*"]}, "open_paths[1]"),
        ({"groups": {"enabled": False, "links": [{"app": "A", "idp": "x"}]}}, "groups.enabled"),
        ({"ops_listen": "0.0.0.0:9090"}, "ops_listen"),
        (
            {"idps": [dict(IDP), SECOND], "sign_in": {"enforce": "corp"}, "paths": [ONLY_SECOND]},
            "paths[0].idps",
        ),
        ({"paths": [{"path": "/*", "identity": "optional"}]}, "paths[0]"),
        ({**ASKED, "trusted_proxies": ["10.0.0.0/8", "2001:db8::1"]}, "trusted_proxies"),
        ({**ASKED, "listen": ["127.0.0.1:1", "[::1]:1"], "trusted_proxies": ["10.0.0.7"]}, "trusted_proxies"),
        ({"open_paths": ["/a/*"], "paths": [{"path": "/a/b"}]}, "paths[0].path"),
        ({"open_paths": ["/a"], "paths": [{"path": "/a"}]}, "paths[0].path"),
        ({"paths": [{"path": "/a/*"}, {"path": "/a/b/*"}]}, "paths[1].path"),
        ({"paths": [{"path": "/a/*"}, {"path": "/a", "methods": ["GET"]}]}, "paths[1].path"),
        (
            {"paths": [{"path": "/*", "methods": ["GET", "PUT"]}, {"path": "/a", "methods": ["PUT"]}]},
            "paths[1].path",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_doubt_is_named_at_its_place(changes: dict[str, Any], path: str, tmp_path: Path) -> None:
    assert list(warnings(tmp_path, **changes)) == [path]


@pytest.mark.parametrize(
    "changes",
    [
        {"joining": {"domains": ["*"]}},
        {"joining": {"auto_join": False}},
        {"public_url": "https://app.example.com", "insecure_http": True},
        {"ops_listen": "127.0.0.1:9090"},
        {"groups": {"enabled": False}},
        {"open_paths": ["/a/*"], "paths": [{"path": "/*"}]},
        {"paths": [{"path": "/a/b/*"}, {"path": "/a/*"}, {"path": "/ab"}]},
        {"paths": [{"path": "/a/*", "methods": ["GET"]}, {"path": "/a/b"}, {"path": "/a/*"}]},
    ],
)
def test_what_is_meant_is_no_doubt(changes: dict[str, Any], tmp_path: Path) -> None:
    assert warnings(tmp_path, **changes) == {}


def test_a_secret_that_everybody_may_read_is_a_warning_not_a_mistake(tmp_path: Path) -> None:
    for name, mode in (("open", 0o644), ("closed", 0o600)):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    app = {
        "preset": "demo",
        "url": "http://127.0.0.1:1",
        "credentials": {"token": {"file": "open"}, "other": {"file": "closed"}},
    }
    found = warnings(tmp_path, idps=[{**IDP, "client_secret": {"file": "open"}}], app=app)
    assert list(found) == ["idps[0].client_secret", "app.credentials.token"]
    assert "chmod 600" in found["app.credentials.token"]


def test_a_directorys_secrets_are_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o644)
    google = {"kind": "google", "key": {"file": "open"}, "admin": "admin@example.com"}
    okta = {"kind": "okta", "token": {"file": "open"}}
    idps = [
        {**IDP, "directory": google},
        {**IDP, "id": "b", "issuer": "https://b.okta.com", "directory": okta},
    ]
    assert list(warnings(tmp_path, idps=idps)) == ["idps[0].directory.key", "idps[1].directory.token"]


@pytest.mark.parametrize("sign_in", [{}, {"enforce": "second"}])
def test_a_path_for_people_of_an_idp_that_may_be_used_is_no_doubt(
    sign_in: dict[str, str], tmp_path: Path
) -> None:
    assert warnings(tmp_path, idps=[dict(IDP), SECOND], sign_in=sign_in, paths=[ONLY_SECOND]) == {}


def test_whether_an_open_path_or_a_rule_comes_first_is_told(tmp_path: Path) -> None:
    rule = {"path": "/a/b", "groups": ["x"]}
    assert "open_paths" in warnings(tmp_path, open_paths=["/a/*"], paths=[rule])["paths[0].path"]
    assert "open_paths" not in warnings(tmp_path, paths=[{"path": "/a/*"}, rule])["paths[1].path"]


def test_the_admin_token_and_an_introspection_secret_are_looked_at_too(tmp_path: Path) -> None:
    file = tmp_path / "open"
    file.write_text("s")
    file.chmod(0o644)
    asked = {"url": "https://idp.example.com/i", "client_id": "m", "client_secret": {"file": "open"}}
    found = warnings(
        tmp_path,
        ops_listen="127.0.0.1:9090",
        admin_token={"file": "open"},
        bearer=[{"idp": "corp", "audiences": ["a"], "introspection": asked}],
    )
    assert list(found) == ["admin_token", "bearer[0].introspection.client_secret"]


@pytest.mark.parametrize(
    "changes",
    [
        {"trusted_proxies": ["127.0.0.1"]},
        {"trusted_proxies": ["10.0.0.7", "::1"]},
        {"trusted_proxies": ["10.0.0.7"], "listen": "0.0.0.0:8080"},
        {"trusted_proxies": ["10.0.0.7"], "listen": ["127.0.0.1:8080", "10.0.0.1:8080"]},
        {"trusted_proxies": ["10.0.0.7"], "proxy_protocol": True},
        {"trusted_proxies": ["10.0.0.7"], "listen": ["127.0.0.1:8080", "unix:/run/muster.sock"]},
    ],
)
def test_a_proxy_that_may_ask_from_where_it_is_heard_is_no_doubt(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    assert warnings(tmp_path, **ASKED, **changes) == {}


def test_a_key_that_everybody_may_read_is_told(tmp_path: Path) -> None:
    for name in ("a.pem", "a.key"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o644)
    upstream = {"url": "https://app.internal", "tls": {"cert_file": "a.pem", "key_file": "a.key"}}
    tls = {"certificate": "a.pem", "key": "a.key"}
    assert list(warnings(tmp_path, tls=tls, upstream=upstream)) == ["tls.key", "upstream.tls.key_file"]
    (tmp_path / "a.key").chmod(0o640)
    assert warnings(tmp_path, tls=tls, upstream=upstream) == {}
