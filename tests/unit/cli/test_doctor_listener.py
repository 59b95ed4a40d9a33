"""The doctor looks at the listener's own certificate, without a network."""

from pathlib import Path

import pytest

from proxy.cli.doctor_finding import Findings
from proxy.cli.doctor_listener import examine_listener
from tests.fakes.certificates import Authority
from tests.fakes.configurations import settings_of


def examined(folder: Path, *, host: str = "app.example.com", days: int = 90, key: str = "a.key") -> Findings:
    Authority(folder).issue("a", hosts=(host,), days=days)
    return examine_listener(settings_of(folder, tls={"certificate": "a.pem", "key": key}))


def test_without_tls_nothing_is_looked_at(tmp_path: Path) -> None:
    assert examine_listener(settings_of(tmp_path)) == []


@pytest.mark.parametrize(
    ("host", "days", "result", "seen"),
    [
        ("app.example.com", 90, "ok", "lasts"),
        ("app.example.com", 5, "warning", "renew it"),
        ("app.example.com", -1, "warning", "expired"),
        ("other.example.com", 90, "warning", "it names other.example.com"),
    ],
)
def test_it_is_judged_by_name_and_time(tmp_path: Path, host: str, days: int, result: str, seen: str) -> None:
    (found,) = examined(tmp_path, host=host, days=days)
    assert found.result == result
    assert seen in found.seen


def test_files_that_are_no_pair_have_failed(tmp_path: Path) -> None:
    (found,) = examined(tmp_path, key="a.pem")
    assert (found.result, "not a pair" in found.seen) == ("failed", True)
