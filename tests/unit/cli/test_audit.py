"""`muster audit`: found by person, time and event."""

import json
from pathlib import Path

import pytest

from proxy.cli.audit import since
from proxy.cli.main import main
from proxy.cli.store import now
from proxy.errors import SettingsError
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import ISSUER, add_member, in_store


async def some(store: SqliteStore) -> None:
    await add_member(store, "ada", "7")
    ada = {"issuer": ISSUER, "subject": "id-ada"}
    await store.audit.append(
        [
            (now() - 7200, {"event": "sign_in", "reason": "signed_in", **ada}),
            (now() - 60, {"event": "join", "reason": "linked", "account": "7", "after": "Developers"}),
            (now() - 30, {"event": "archive", "reason": "idp_denied", "account": "8"}),
            (now() - 20, {"event": "join", "issuer": ISSUER, "subject": "id-gone"}),
        ]
    )


def events(config: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["audit", *words, "--json", "-c", str(config)]) == 0
    return [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]


def test_records_are_narrowed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, some)
    assert events(config, capsys) == ["sign_in", "join", "archive", "join"]
    assert events(config, capsys, "--who", "ada") == ["sign_in", "join"]
    assert events(config, capsys, "--who", "ada", "--since", "1h") == ["join"]
    assert events(config, capsys, "--event", "archive") == ["archive"]
    assert events(config, capsys, "--limit", "1") == ["join"]


def test_somebody_the_store_forgot_is_found_by_subject_or_account(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_store(config, some)
    assert events(config, capsys, "--who", f"{ISSUER} id-gone") == ["join"]
    assert events(config, capsys, "--who", "8") == ["archive"]


def test_a_table_for_people(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, some)
    assert main(["audit", "--event", "join", "-c", str(config)]) == 0
    assert "after=Developers" in capsys.readouterr().out
    assert main(["audit", "--event", "sweep", "-c", str(config)]) == 0
    assert capsys.readouterr().out == "nothing is written down\n"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (None, 0.0),
        ("24h", 913_600.0),
        ("1970-01-02", 86_400.0),
        ("1970-01-02T01:00", 90_000.0),
        ("1970-01-02T01:00+01:00", 86_400.0),
    ],
)
def test_a_time_is_a_duration_or_a_date(text: str | None, moment: float) -> None:
    assert since(text, 1_000_000.0) == moment


def test_what_is_no_time_is_a_sentence() -> None:
    with pytest.raises(SettingsError, match="is no time"):
        since("yesterday", 0.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limit", "0"], "write 1 or more"),
        (["--limit", "-1"], "write 1 or more"),
        (["--event", "archiv"], "there is no event 'archiv'; the closest are archive"),
        (["--event", "zzzz"], "docs/operations.md"),
        (["--who", "adam"], "nobody is known as 'adam', and no record names them; the closest are ada"),
    ],
)
def test_what_nothing_can_be_found_by_is_a_mistake(
    words: list[str], message: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_store(config, some)
    assert main(["audit", *words, "-c", str(config)]) == 2
    assert message in capsys.readouterr().err


def test_somebody_who_is_known_may_have_no_record(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def work(store: SqliteStore) -> None:
        await add_member(store, "bob", "9")

    in_store(config, work)
    assert events(config, capsys, "--who", "bob") == []


def test_programs_get_milliseconds(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def work(store: SqliteStore) -> None:
        await store.audit.append([(1_760_000_000.125, {"event": "join"})])

    in_store(config, work)
    assert main(["audit", "--json", "-c", str(config)]) == 0
    assert json.loads(capsys.readouterr().out)["at"] == "2025-10-09T08:53:20.125Z"
