"""What a command stands on: what holds now, who runs it, and a trail of what it did."""

import os
import pwd
from argparse import Namespace
from pathlib import Path

import pytest

from proxy.cli.desk import Desk, at_desk, moment, operator, own_admin, own_courier, print_json, refusal, say
from proxy.errors import SettingsError
from proxy.groups.stored import Origin
from proxy.storage.audit import AuditQuery
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import in_store


async def denied(store: SqliteStore) -> None:
    await store.rulings.deny("eve@example.com", Origin(by="cli", at=1.0))


def test_a_command_sees_what_is_ruled(config: Path) -> None:
    in_store(config, denied)

    async def look(desk: Desk) -> frozenset[str]:
        return desk.effective.join.deny

    assert at_desk(Namespace(config=config), look) == {"eve@example.com"}


def test_whoever_runs_it_is_named() -> None:
    assert operator().by == f"cli ({pwd.getpwuid(os.getuid()).pw_name})"
    assert operator().at > 1_600_000_000


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 987_654_321)
    assert operator().by == "cli (987654321)"


def test_what_is_audited_names_the_operator_and_no_secret(config: Path) -> None:
    in_store(config, denied)

    async def work(desk: Desk) -> dict[str, object]:
        await desk.audited("rule", outcome="x", refresh_token="s3cret")
        ((_, record),) = await desk.store.audit.read(AuditQuery())
        return record

    record = at_desk(Namespace(config=config), work)
    assert str(record["by"]).startswith("cli (")
    assert "s3cret" not in str(record)


def test_without_an_app_there_is_nobody_to_ask(config: Path) -> None:
    text = "".join(line for line in config.read_text().splitlines(True) if not line.startswith("app:"))
    config.write_text(text + "headers: {user_claim: email}\n")
    in_store(config, denied)

    async def work(desk: Desk) -> None:
        for open_one in (own_courier, own_admin):
            with pytest.raises(SettingsError, match="no app is configured"):
                async with open_one(desk):
                    pass

    at_desk(Namespace(config=config), work)


def test_words_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert moment(0.0) == "1970-01-01 00:00:00Z"
    say("so it is")
    print_json({"name": "Ä"})
    captured = capsys.readouterr()
    assert captured.err == "muster: so it is\n"
    assert captured.out == '{\n  "name": "Ä"\n}\n'
    assert str(refusal("no").problems[0]) == "no"
