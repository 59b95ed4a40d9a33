"""Keys and certificates that cannot be used are said before anything is served, each at its place."""

from pathlib import Path
from typing import Any

import pytest

from proxy.app.client_files import FAULTS, check_client_files, client_fault
from proxy.app.idps import open_idps
from proxy.app.rules import idp_rules
from proxy.cli.main import main
from proxy.errors import SettingsError
from proxy.oidc.transport import open_session
from proxy.settings.model import Settings
from tests.fakes.client_keys import pem_of, write_pair, write_private
from tests.fakes.configurations import IDP, settings_of

KEY = {"client_auth": "private_key_jwt", "client_key": {"file": "client.key"}}
PAIR = {
    "client_auth": "tls_client_auth",
    "client_key": {"file": "client.key"},
    "client_certificate": "client.crt",
}


def settings(folder: Path, *written: dict[str, Any]) -> Settings:
    entries = [
        {**IDP, "id": f"idp{index}", "issuer": f"https://{index}.example.com", **one}
        for index, one in enumerate(written)
    ]
    return settings_of(folder, idps=entries)


def wrong(folder: Path, *written: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        check_client_files(settings(folder, *written))
    return [problem.path for problem in refusal.value.problems]


def test_what_can_be_used_is_passed_over(tmp_path: Path) -> None:
    write_pair(tmp_path, "one")
    named = {**KEY, "client_certificate": "client.crt"}
    check_client_files(settings(tmp_path, {}, KEY, named, PAIR))


def test_every_mistake_at_once(tmp_path: Path) -> None:
    write_pair(tmp_path, "one")
    write_private(tmp_path / "other", pem_of("two"))
    write_private(tmp_path / "word", "no key")
    assert wrong(
        tmp_path,
        {**KEY, "client_key": {"file": "word"}},
        {**KEY, "client_assertion": {"algorithm": "RS256"}},
        {**PAIR, "client_key": {"file": "other"}},
        {**PAIR, "client_certificate": "word"},
        {**KEY, "client_certificate": "word"},
        PAIR,
    ) == [
        "idps[0].client_key",
        "idps[1].client_key",
        "idps[2].client_certificate",
        "idps[3].client_certificate",
        "idps[4].client_certificate",
    ]


async def test_nothing_is_opened_with_one(tmp_path: Path) -> None:
    write_private(tmp_path / "client.key", "no key")
    async with open_session() as http:
        with pytest.raises(SettingsError, match="holds no private key that can sign"):
            open_idps(settings(tmp_path, KEY), http, lambda _, __: None, clock=lambda: 0.0)  # type: ignore[arg-type]


def test_check_says_so_with_the_line_and_nothing_of_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = pem_of("one")[:100]
    write_private(tmp_path / "client.key", broken)
    config = tmp_path / "muster.yaml"
    config.write_text(
        "public_url: https://app.example.com\nupstream: {url: http://127.0.0.1:3000}\nidps:\n"
        "  - id: corp\n    issuer: https://idp.example.com\n    client_id: muster\n    client_auth: private_key_jwt\n"
        "    client_key: {file: client.key}\njoining: {domains: [example.com]}\nheaders: {user_claim: email}\n"
    )
    assert main(["check", "-c", str(config)]) == 2
    told = capsys.readouterr().err
    assert "line 8: idps[0].client_key: holds no private key" in told
    assert broken.splitlines()[1] not in told


@pytest.mark.parametrize("lost", ["client.key", "client.crt"])
def test_a_file_that_went_away_since_is_a_fault_with_a_sentence(tmp_path: Path, lost: str) -> None:
    write_pair(tmp_path, "one")
    rules = idp_rules(settings(tmp_path, PAIR).idps[0])
    (tmp_path / lost).unlink()
    fault = client_fault(rules)
    assert fault is not None
    assert FAULTS[fault.code] == ("client_certificate", "or its client_key cannot be read")


def test_methods_without_files_have_no_fault(tmp_path: Path) -> None:
    assert client_fault(idp_rules(settings(tmp_path, {}).idps[0])) is None
