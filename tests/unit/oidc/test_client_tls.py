"""The pair that a connection shows, through every moment of a rotation."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from proxy.identity import IdpId
from proxy.oidc.client_tls import MALFORMED, UNREADABLE, ClientTls
from proxy.oidc.rules import ClientAuth, IdpRules
from proxy.session.model import Misconfigured
from tests.fakes.client_keys import certificate_of, pem_of, write_pair, write_private


def rules(folder: Path, **changed: Any) -> IdpRules:
    settings: dict[str, Any] = {
        "client_auth": ClientAuth.TLS,
        "certificate_file": str(folder / "client.crt"),
        "key_file": str(folder / "client.key"),
    }
    issuer = "https://idp.example.com"
    return IdpRules(
        id=IdpId("corp"), name="Corp", issuer=issuer, client_id="muster", **{**settings, **changed}
    )


def test_a_pair_is_loaded_once_while_its_files_stay_as_they_are(tmp_path: Path) -> None:
    write_pair(tmp_path, "one")
    tls = ClientTls(rules(tmp_path))
    context = tls.context()
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert tls.context() is context


def test_while_only_one_of_two_files_was_written_the_old_pair_stands(tmp_path: Path) -> None:
    write_pair(tmp_path, "one")
    tls = ClientTls(rules(tmp_path))
    old = tls.context()
    write_private(tmp_path / "client.crt", certificate_of("two"))
    assert tls.context() is old
    write_private(tmp_path / "client.key", pem_of("two"))
    new = tls.context()
    assert isinstance(new, ssl.SSLContext)
    assert new is not old


@pytest.mark.parametrize("lost", ["client.crt", "client.key"])
def test_a_file_that_went_away_stops_nobody(tmp_path: Path, lost: str) -> None:
    write_pair(tmp_path, "one")
    tls = ClientTls(rules(tmp_path))
    old = tls.context()
    (tmp_path / lost).unlink()
    assert tls.context() is old


def test_what_never_was_a_pair_is_our_fault(tmp_path: Path) -> None:
    assert ClientTls(rules(tmp_path)).context() == UNREADABLE
    write_pair(tmp_path, "one")
    write_private(tmp_path / "client.key", pem_of("two"))
    tls = ClientTls(rules(tmp_path))
    assert tls.context() == MALFORMED
    assert tls.context() == MALFORMED
    write_private(tmp_path / "client.key", "no key")
    assert ClientTls(rules(tmp_path)).context() == MALFORMED


def test_a_key_under_a_passphrase_is_never_asked_for_on_a_terminal(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
    )

    from tests.fakes.client_keys import key_of

    write_pair(tmp_path, "one")
    locked = key_of("one").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass"))
    write_private(tmp_path / "client.key", locked.decode())
    assert ClientTls(rules(tmp_path)).context() == MALFORMED


def test_without_files_there_is_nothing_to_show(tmp_path: Path) -> None:
    assert isinstance(ClientTls(rules(tmp_path, key_file=None)).context(), Misconfigured)
    assert isinstance(ClientTls(rules(tmp_path, certificate_file=None)).context(), Misconfigured)


def test_the_key_is_not_shown(tmp_path: Path) -> None:
    write_pair(tmp_path, "one")
    assert "PRIVATE" not in repr(ClientTls(rules(tmp_path)))
