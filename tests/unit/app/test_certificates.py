"""What is wrong with the listener's certificate is a mistake at the start and a line in the log later."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.app.certificates import CertificateWatch, certificate_doubts, listener_tls
from proxy.errors import SettingsError
from proxy.settings.load import from_mapping
from proxy.settings.model import Settings
from proxy.telemetry.telemetry import Streams, Telemetry, TelemetryRules
from tests.fakes.certificates import Authority


def settings(folder: Path, tls: dict[str, Any] | None) -> Settings:
    tree = {
        "public_url": "https://app.example.com",
        "upstream": {"url": "http://127.0.0.1:3000"},
        "idps": [{"id": "corp", "issuer": "https://idp.example.com", "client_id": "a"}],
        "headers": {"user_claim": "sub"},
        **({"tls": tls} if tls else {}),
    }
    return from_mapping(tree, folder=folder, environ={})


def test_without_tls_there_is_none(tmp_path: Path) -> None:
    assert listener_tls(settings(tmp_path, None)) is None


def test_files_that_are_no_pair_are_a_mistake(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("a")
    with pytest.raises(SettingsError, match="tls: certificate and key are not a pair"):
        listener_tls(settings(tmp_path, {"certificate": str(pair.cert), "key": str(pair.cert)}))


async def test_a_change_is_said_and_a_broken_one_once(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("a")
    log = io.StringIO()
    tls = listener_tls(settings(tmp_path, {"certificate": str(pair.cert), "key": str(pair.key)}))
    assert tls is not None
    watch = CertificateWatch(tls, Telemetry(TelemetryRules(), streams=Streams(log=log, out=io.StringIO())))
    await watch.look()
    assert log.getvalue() == ""
    pair.key.write_text("no key, but a secret all the same")
    await watch.look()
    await watch.look()
    authority.issue("a")
    await watch.look()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("certificate", "error"),
        ("certificate", "info"),
    ]
    assert "secret" not in log.getvalue()


def _doubts(folder: Path, **changes: Any) -> tuple[str, ...]:
    pair = Authority(folder).issue("b", **changes)
    return certificate_doubts(settings(folder, {"certificate": str(pair.cert), "key": str(pair.key)}))


def test_a_certificate_for_somebody_else_or_at_its_end_is_doubted(tmp_path: Path) -> None:
    assert certificate_doubts(settings(tmp_path, None)) == ()
    assert _doubts(tmp_path, hosts=("app.example.com",), days=90) == ()
    assert "not for app.example.com" in _doubts(tmp_path, hosts=("other.example.com",), days=90)[0]
    assert "expired" in _doubts(tmp_path, hosts=("app.example.com",), days=-1)[0]


async def test_a_new_certificate_is_doubted_at_once(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair, log = authority.issue("a"), io.StringIO()
    tls = listener_tls(settings(tmp_path, {"certificate": str(pair.cert), "key": str(pair.key)}))
    assert tls is not None
    telemetry = Telemetry(TelemetryRules(), streams=Streams(log=log, out=io.StringIO()))
    watch = CertificateWatch(tls, telemetry, lambda: ["it expired"])
    authority.issue("a")
    await watch.look()
    assert [json.loads(line)["level"] for line in log.getvalue().splitlines()] == ["info", "warning"]
