"""What clients are shown follows the files, and never follows broken ones."""

import ssl
from pathlib import Path

import pytest

from proxy.edge.tls import CertificateFiles, ListenerTls, Look, describe
from tests.fakes.certificates import Authority, Pair

HOST = "app.example.com"


def rules(pair: Pair) -> CertificateFiles:
    return CertificateFiles(certificate=pair.cert, key=pair.key)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pair(authority: Authority) -> Pair:
    return authority.issue("a", hosts=(HOST,))


def shake(
    tls: ListenerTls, authority: Authority, *, server_name: bool = True, **versions: ssl.TLSVersion
) -> ssl.SSLObject:
    """The client's side after a handshake in memory."""
    context = ssl.create_default_context(cafile=authority.ca_file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.check_hostname = server_name
    for name, version in versions.items():
        setattr(context, name, version)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(down, up, server_hostname=HOST if server_name else None)
    server = tls.context.wrap_bio(up, down, server_side=True)
    for side in (client, server, client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client


def serial(client: ssl.SSLObject) -> object:
    shown = client.getpeercert()
    assert shown is not None
    return shown["serialNumber"]


@pytest.mark.parametrize("server_name", [True, False])
def test_a_new_pair_is_shown_to_the_next_who_comes_with_or_without_a_server_name(
    authority: Authority, pair: Pair, server_name: bool
) -> None:
    tls = ListenerTls(rules(pair))
    first = serial(shake(tls, authority, server_name=server_name))
    assert tls.look() is Look.SAME
    authority.issue("a", hosts=(HOST,))
    assert serial(shake(tls, authority, server_name=server_name)) == first, "nobody looked yet"
    assert tls.look() is Look.LOADED
    assert serial(shake(tls, authority, server_name=server_name)) != first


def test_half_a_new_pair_changes_nothing_and_is_told_once(authority: Authority, pair: Pair) -> None:
    tls = ListenerTls(rules(pair))
    first = serial(shake(tls, authority))
    other = authority.issue("other", hosts=(HOST,))
    pair.cert.write_bytes(other.cert.read_bytes())
    assert [tls.look(), tls.look()] == [Look.UNUSABLE, Look.SAME]
    assert serial(shake(tls, authority)) == first
    pair.key.write_bytes(other.key.read_bytes())
    assert tls.look() is Look.LOADED
    assert serial(shake(tls, authority)) != first


def test_files_that_are_gone_change_nothing(authority: Authority, pair: Pair) -> None:
    tls = ListenerTls(rules(pair))
    key = pair.key.read_bytes()
    pair.key.unlink()
    assert [tls.look(), tls.look()] == [Look.UNUSABLE, Look.SAME]
    assert serial(shake(tls, authority))
    pair.key.write_bytes(key)
    assert tls.look() is Look.LOADED


def test_it_speaks_http_1_1_alone_and_tls_1_2_at_least(authority: Authority, pair: Pair) -> None:
    tls = ListenerTls(rules(pair))
    assert shake(tls, authority).selected_alpn_protocol() == "http/1.1"
    older = shake(tls, authority, maximum_version=ssl.TLSVersion.TLSv1_2)
    assert older.version() == "TLSv1.2"
    assert tls.context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_what_cannot_be_used_at_the_start_is_said_in_a_sentence(pair: Pair, tmp_path: Path) -> None:
    for key, words in ((tmp_path / "none", "cannot be read"), (pair.cert, "not a pair")):
        with pytest.raises((OSError, ValueError)) as refusal:
            ListenerTls(CertificateFiles(certificate=pair.cert, key=key))
        assert words in describe(refusal.value)  # type: ignore[arg-type]  # one of the two
    assert "passphrase" in describe(ValueError("x"))


def test_a_key_under_a_passphrase_asks_nobody(pair: Pair) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"secret")
    pair.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
    )
    with pytest.raises((OSError, ValueError)):
        ListenerTls(rules(pair))
