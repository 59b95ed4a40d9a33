"""Forward-auth is off unless demanded, and never without somebody who may ask."""

from pathlib import Path

from tests.fakes.configurations import mistakes_of, settings_of


def test_it_is_off_by_default(tmp_path: Path) -> None:
    assert settings_of(tmp_path).forward_auth.enabled is False


def test_without_a_trusted_proxy_nobody_could_ask(tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, forward_auth={"enabled": True})
    assert "trusted_proxies" in found["forward_auth.enabled"]
    assert mistakes_of(tmp_path, forward_auth={"enabled": True}, trusted_proxies=["10.0.0.7"]) == {}
