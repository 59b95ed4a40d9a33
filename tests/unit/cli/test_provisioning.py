"""`muster provisioning`: the switch, and the configuration above it."""

import json
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.storage.audit import AuditQuery
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import in_store


@pytest.fixture
def ran(config: Path) -> Path:
    async def nothing(store: SqliteStore) -> None:
        await store.sessions.ping()

    in_store(config, nothing)
    return config


def provisioning(config: Path, *words: str) -> int:
    return main(["provisioning", *words, "-c", str(config)])


def test_it_stands_on_until_somebody_switches_it(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert provisioning(ran, "status") == 0
    assert capsys.readouterr().out == "provisioning is on\n"
    assert provisioning(ran, "off") == 0
    assert "provisioning is off (cli (" in capsys.readouterr().out
    assert provisioning(ran, "status", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["is_on"], shown["configured"]) == (False, True)
    assert shown["switched"]["by"].startswith("cli (")
    assert provisioning(ran, "on") == 0
    assert "provisioning is on (cli (" in capsys.readouterr().out


def test_the_configurations_off_is_off(ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran.write_text(ran.read_text().replace("{domains:", "{provisioning: false, domains:"))
    assert provisioning(ran, "on") == 1
    captured = capsys.readouterr()
    assert "provisioning is off" in captured.out
    assert "the configuration says joining.provisioning: false" in captured.err


def test_the_trail_has_how_it_stood(ran: Path) -> None:
    async def read(store: SqliteStore) -> list[tuple[str, str]]:
        return [(one["before"], one["after"]) for _, one in await store.audit.read(AuditQuery(event="rule"))]

    provisioning(ran, "off")
    provisioning(ran, "off")
    provisioning(ran, "on")
    assert in_store(ran, read) == [("on", "off"), ("off", "on")]
