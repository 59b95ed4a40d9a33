"""The context that connections to an app on https are made with."""

import os
import shutil
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from proxy.edge.rules import TlsRules
from proxy.edge.upstream_tls import UpstreamTls
from tests.fakes.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_chain_and_name_are_always_verified(authority: Authority) -> None:
    for rules in (TlsRules(server_name="app"), TlsRules(server_name="app", ca_file=str(authority.ca_file))):
        context = UpstreamTls(rules).context()
        assert context is not None
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_an_authority_of_ones_own_is_the_only_one(authority: Authority) -> None:
    context = UpstreamTls(TlsRules(server_name="app", ca_file=str(authority.ca_file))).context()
    assert context is not None
    assert len(context.get_ca_certs()) == 1


def test_files_are_read_again_only_when_they_change(authority: Authority) -> None:
    tls = UpstreamTls(TlsRules(server_name="app", ca_file=str(authority.ca_file)))
    first = tls.context()
    assert tls.context() is first
    os.utime(authority.ca_file, ns=(1, 1))
    assert tls.context() is not first


def test_what_was_read_stands_while_the_files_are_no_pair(authority: Authority) -> None:
    old, new = authority.issue("old"), authority.issue("new")
    tls = UpstreamTls(TlsRules(server_name="app", certificate_file=str(old.cert), key_file=str(old.key)))
    first = tls.context()
    shutil.copyfile(new.cert, old.cert)
    assert tls.context() is first
    assert tls.fault == "cert_file and key_file are no pair in PEM"
    shutil.copyfile(new.key, old.key)
    assert tls.context() not in (None, first)
    assert tls.fault is None


def test_what_was_read_stands_while_a_file_is_away(authority: Authority) -> None:
    tls = UpstreamTls(TlsRules(server_name="app", ca_file=str(authority.ca_file)))
    first = tls.context()
    kept = authority.ca_file.rename(authority.ca_file.with_suffix(".kept"))
    assert tls.context() is first
    assert tls.fault == f"{authority.ca_file} cannot be read (no such file or directory)"
    kept.rename(authority.ca_file)
    assert tls.context() is not None
    assert tls.fault is None


def test_nothing_is_ever_asked_on_a_terminal(authority: Authority) -> None:
    pair = authority.issue("own")
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )
    tls = UpstreamTls(TlsRules(server_name="app", certificate_file=str(pair.cert), key_file=str(pair.key)))
    assert tls.context() is None
    assert tls.fault == "key_file is under a passphrase"
