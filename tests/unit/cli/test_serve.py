"""`muster serve` refuses before it listens; that it serves is shown end to end."""

import gc
import socket
from pathlib import Path

import pytest

from proxy.cli.main import main


def test_a_preset_that_cannot_be_used_is_refused_before_anything_is_made(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text().replace("token:", "tokn:"))
    assert main(["serve", "-c", str(config)]) == 2
    assert "app.credentials.token" in capsys.readouterr().err
    assert not (config.parent / "muster.db").exists()


def test_a_store_that_cannot_be_opened_is_refused(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with config.open("a") as file:
        file.write("listen: 127.0.0.1:0\n")
    (config.parent / "muster.db").write_bytes(b"this is no database, whatever its name says" * 50)
    assert main(["serve", "-c", str(config)]) == 2
    assert "muster.db" in capsys.readouterr().err


def test_an_address_in_use_is_refused(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with config.open("a") as file:
            file.write(f"listen: 127.0.0.1:{taken.getsockname()[1]}\n")
        assert main(["serve", "-c", str(config)]) == 2
    assert "cannot listen there" in capsys.readouterr().err


def test_what_was_imported_is_walked_by_no_collection_while_it_serves(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full collection holds the loop for as long as it walks: tens of milliseconds for all that was imported."""
    seen: list[int] = []

    async def serve(*_: object) -> None:
        seen.append(gc.get_freeze_count())

    monkeypatch.setattr("proxy.cli.serve.serve", serve)
    assert main(["serve", "-c", str(config)]) == 0
    assert seen[0] > 50_000
    assert gc.get_freeze_count() < seen[0]
