import stat
from pathlib import Path

from ruamel.yaml import YAML

from proxy.cli.main import main
from proxy.demo.configuration import Addresses, write_configuration, write_secret

AT = Addresses(
    listen="127.0.0.1:8080",
    public_url="http://app.localhost:8080",
    ops="127.0.0.1:9090",
    issuer="http://127.0.0.1:7000",
    app="http://127.0.0.1:7001",
)


def test_the_file_is_an_ordinary_configuration(tmp_path: Path) -> None:
    file = write_configuration(tmp_path, AT, client_secret="s3cret", token="t0ken", every=2.5)
    read = YAML(typ="safe").load(file.read_text())
    assert read["public_url"] == AT.public_url
    assert read["idps"][0]["issuer"] == AT.issuer
    assert read["refresh"]["every"] == "2.5s"
    assert read["app"]["preset"] == "demo"


def test_secrets_stand_beside_it_and_are_their_owners(tmp_path: Path) -> None:
    file = write_configuration(tmp_path, AT, client_secret="s3cret", token="t0ken", every=1)
    assert "s3cret" not in file.read_text()
    for name, value in (("idp.secret", "s3cret"), ("app.token", "t0ken")):
        secret = tmp_path / name
        assert secret.read_text().strip() == value
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_a_secret_is_replaced_in_one_step(tmp_path: Path) -> None:
    file = tmp_path / "x.secret"
    write_secret(file, "old")
    before = file.stat().st_ino
    write_secret(file, "new")
    assert file.read_text() == "new\n"
    assert file.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [file]


def test_muster_accepts_it(tmp_path: Path) -> None:
    file = write_configuration(tmp_path, AT, client_secret="s", token="t", every=1)
    assert main(["check", "-c", str(file)]) == 0
