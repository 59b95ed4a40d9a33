"""`muster sessions`: who is signed in, without a secret; and ending sessions."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.cli.sessions import account_word
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Pending
from proxy.storage.sqlite.store import SqliteStore
from tests.fakes.commands import add_member, add_session, in_store
from tests.fakes.people import session


async def signed_in(store: SqliteStore) -> None:
    for name, account in (("ada", "7"), ("bob", "8")):
        await add_member(store, name, account)
        await add_session(store, name, account)


async def keys(store: SqliteStore) -> list[str]:
    return [one.subject.subject for one in await store.sessions.last_used_before(1e12, 10)]


def sessions(config: Path, *words: str) -> int:
    return main(["sessions", *words, "-c", str(config)])


def test_sessions_are_listed_without_anything_secret(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_store(config, signed_in)
    assert sessions(config, "list") == 0
    assert sessions(config, "list", "--json") == 0
    out = capsys.readouterr().out
    assert "ada@example.com" in out
    assert "a-secret-refresh-token" not in out
    assert "0" * 17 not in out, "no whole key"


def test_nobody_signed_in_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, keys)
    assert sessions(config, "list") == 0
    assert capsys.readouterr().out == "nobody is signed in\n"


def test_ending_takes_one_persons_alone(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, signed_in)
    assert sessions(config, "end", "ada") == 0
    assert capsys.readouterr().out == "ada@example.com: 1 sessions ended\n"
    assert in_store(config, keys) == ["id-bob"]
    assert sessions(config, "end", "ada", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sessions_ended"] == 0


def test_somebody_nobody_knows_is_a_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, signed_in)
    assert sessions(config, "end", "eve") == 2
    assert "nobody is known as 'eve'" in capsys.readouterr().err


def test_an_accounts_state_in_a_word() -> None:
    assert account_word(replace(session(), account=Pending())) == "pending (being_set_up)"
    assert (
        account_word(replace(session(), account=AccountRefused(reason=Reason.NO_SEAT))) == "refused (no_seat)"
    )
