"""Each method of client authentication: what it needs, and what means nothing to it."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.client_keys import pem_of, write_pair
from tests.fakes.configurations import IDP, mistakes_of, settings_of

SECRET = {"client_secret": {"env": "SECRET"}}
KEY = {"client_key": {"file": "client.key"}}
CERTIFICATE = {"client_certificate": "client.crt"}
PAIR = {**KEY, **CERTIFICATE}


def mistakes(folder: Path, **changes: Any) -> dict[str, str]:
    write_pair(folder, "one")
    environment = {"SECRET": "s3cret", "KEY": pem_of("one")}
    found = mistakes_of(folder, environment, idps=[{**IDP, **changes}])
    return {path.removeprefix("idps[0]."): text for path, text in found.items()}


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("client_secret_basic", SECRET),
        ("client_secret_post", SECRET),
        ("private_key_jwt", KEY),
        ("private_key_jwt", {"client_key": {"env": "KEY"}}),
        ("private_key_jwt", PAIR),
        ("private_key_jwt", {**KEY, "client_assertion": {"algorithm": "ES256"}}),
        ("tls_client_auth", PAIR),
        ("self_signed_tls_client_auth", PAIR),
        ("none", {}),
    ],
)
def test_a_method_with_what_it_needs(method: str, given: dict[str, Any], tmp_path: Path) -> None:
    assert mistakes(tmp_path, client_auth=method, **given) == {}


@pytest.mark.parametrize(
    ("method", "given", "place", "sentence"),
    [
        ("client_secret_basic", {}, "client_auth", "needs a client_secret"),
        ("client_secret_post", {}, "client_auth", "needs a client_secret"),
        ("private_key_jwt", {}, "client_auth", "needs a client_key"),
        ("private_key_jwt", {**KEY, **SECRET}, "client_secret", "sends no secret"),
        ("tls_client_auth", KEY, "client_auth", "needs a client_certificate"),
        ("tls_client_auth", CERTIFICATE, "client_auth", "needs a client_key"),
        ("self_signed_tls_client_auth", {**PAIR, **SECRET}, "client_secret", "sends no secret"),
        ("tls_client_auth", {**CERTIFICATE, "client_key": {"env": "KEY"}}, "client_key", "from a file"),
        ("tls_client_auth", {**PAIR, "issuer": "http://127.0.0.1:1"}, "client_auth", "on https"),
        ("tls_client_auth", {**PAIR, "client_assertion": {"key_id": "k"}}, "client_assertion", "private_key_jwt"),
        ("client_secret_basic", {**SECRET, **KEY}, "client_key", "means nothing"),
        ("client_secret_post", {**SECRET, **CERTIFICATE}, "client_certificate", "means nothing"),
        ("client_secret_post", {**SECRET, "client_assertion": {"key_id": "k"}}, "client_assertion", "only private"),
        ("none", KEY, "client_key", "means nothing"),
        ("none", CERTIFICATE, "client_certificate", "means nothing"),
        ("none", SECRET, "client_auth", "a public client"),
    ],
)  # fmt: skip
def test_a_method_without_it_or_with_more(
    method: str, given: dict[str, Any], place: str, sentence: str, tmp_path: Path
) -> None:
    found = mistakes(tmp_path, client_auth=method, **given)
    assert list(found) == [place]
    assert sentence in found[place]


def test_a_directory_that_would_use_the_clients_secret_wants_one_of_its_own(tmp_path: Path) -> None:
    realm = "https://idp.example.com/realms/corp"
    given = {**KEY, "issuer": realm, "directory": {"kind": "keycloak"}}
    found = mistakes(tmp_path, client_auth="private_key_jwt", **given)
    assert "has no secret" in found["directory.client_id"]


def test_a_key_that_everybody_may_read_is_told(tmp_path: Path) -> None:
    write_pair(tmp_path, "one")
    (tmp_path / "client.key").chmod(0o644)
    written = {**IDP, "client_auth": "private_key_jwt", **KEY}
    warnings = settings_of(tmp_path, idps=[written]).warnings
    assert ["idps[0].client_key" in str(one) and "chmod 600" in str(one) for one in warnings] == [True]
