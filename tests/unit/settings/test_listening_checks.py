"""Settings about listening that contradict each other are found with the place where they stand."""

from pathlib import Path
from typing import Any

import pytest

from proxy.errors import SettingsError
from proxy.settings.listening_checks import ops_addresses
from proxy.settings.load import from_mapping
from proxy.settings.model import Settings

BASE: dict[str, Any] = {
    "public_url": "https://app.example.com",
    "upstream": {"url": "http://127.0.0.1:3000"},
    "idps": [{"id": "corp", "issuer": "https://idp.example.com", "client_id": "a"}],
    "headers": {"user_claim": "sub"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).write_text("")
    return tmp_path


TLS = {"certificate": "c.pem", "key": "k.pem"}


def settings(folder: Path, **more: Any) -> Settings:
    return from_mapping({**BASE, **more}, folder=folder, environ={})


@pytest.mark.parametrize(
    ("more", "path", "words"),
    [
        ({"listen": ["127.0.0.1:1", "127.0.0.1:1"]}, "listen", "twice"),
        ({"listen": ["unix:/a", "unix:/a"]}, "listen", "twice"),
        ({"listen": "127.0.0.1:1", "ops_listen": "127.0.0.1:1"}, "ops_listen", "see listen"),
        ({"listen": "127.0.0.1:12", "ops_listen": "127.0.0.1:10", "workers": 3}, "ops_listen", "see listen"),
        ({"ops_listen": "127.0.0.1:65535", "workers": 2}, "ops_listen", "as many ports"),
        ({"listen": "0.0.0.0:80", "redirect_http": "0.0.0.0:80"}, "redirect_http", "see listen"),
        ({"ops_listen": "0.0.0.0:81", "redirect_http": "0.0.0.0:81"}, "redirect_http", "see ops_listen"),
        (
            {"public_url": "http://localhost:1", "redirect_http": "0.0.0.0:81"},
            "redirect_http",
            "that is not https",
        ),
        ({"public_url": "http://localhost:1", "tls": TLS}, "tls", "begins with https://"),
        ({"listen": "unix:/a", "tls": TLS}, "tls", "stay plain"),
        (
            {"tls": TLS, "proxy_protocol": True, "trusted_proxies": ["10.0.0.1"]},
            "proxy_protocol",
            "before TLS",
        ),
        ({"tls": {"certificate": "c.pem", "key": "none.pem"}}, "tls.key", "there is no file"),
        ({"workers": 0}, "workers", "1"),
        ({"listen": "unix:/a", "upstream": {"url": "unix:///a"}}, "upstream.url", "Muster itself listens"),
    ],
)
def test_what_does_not_go_together_is_refused(
    folder: Path, more: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings(folder, **more)
    assert [(one.path, words in one.message) for one in refusal.value.problems] == [(path, True)]


def test_each_worker_has_a_port_of_its_own_for_operators(folder: Path) -> None:
    several = settings(folder, ops_listen="127.0.0.1:9000", workers=3)
    assert [one.port for one in ops_addresses(several)] == [9000, 9001, 9002]
    free = settings(folder, ops_listen="127.0.0.1:0", workers=2)
    assert [one.port for one in ops_addresses(free)] == [0, 0]
    assert ops_addresses(settings(folder)) == ()


def test_what_goes_together_is_taken(folder: Path) -> None:
    one = settings(
        folder,
        listen=["0.0.0.0:443", "unix:/run/m.sock", "127.0.0.1:0", "127.0.0.1:0"],
        tls=TLS,
        redirect_http="0.0.0.0:80",
        trusted_proxies=["10.0.0.1"],
    )
    assert [str(door) for door in one.listen][1] == "unix:/run/m.sock"
    assert one.tls is not None
    assert one.tls.certificate == folder / "c.pem"
