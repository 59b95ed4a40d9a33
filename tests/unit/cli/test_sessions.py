"""`muster sessions`: who is signed in, without a secret; and ending sessions."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.cli.main import main
from proxy.reasons import Reason
from proxy.session.model import AccountRefused, Authentication, Device, Pending, SessionKey
from proxy.storage.audit import AuditQuery
from proxy.storage.sqlite.store import SqliteStore
from proxy.web.session_facts import account_word
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


async def placed(store: SqliteStore) -> None:
    """Ada twice at one session of her IdP, and bob."""
    for name, account in (("ada", "7"), ("bob", "8")):
        await add_member(store, name, account)
        await add_session(store, name, account)
    for number, held in enumerate(await store.sessions.last_used_before(1e12, 10)):
        twin = replace(
            held,
            key=SessionKey(f"{number:x}" * 64),
            idp_session=f"sid-{held.subject.subject}",
            device=Device(peer="192.0.2.7", user_agent="Mozilla/5.0 (Windows) Firefox/140.0"),
            authentication=Authentication(acr="mfa", amr=("otp",), at=5.0),
        )
        await store.sessions.create(twin)


def shown(config: Path, out: pytest.CaptureFixture[str], *words: str) -> list[str]:
    out.readouterr()
    assert sessions(config, "list", *words, "--json") == 0
    return sorted(one["subject"] for one in json.loads(out.readouterr().out)["sessions"])


def test_a_list_is_narrowed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, placed)
    assert shown(config, capsys) == ["id-ada", "id-ada", "id-bob", "id-bob"]
    assert shown(config, capsys, "--person", "ada") == ["id-ada", "id-ada"]
    assert shown(config, capsys, "--idp", "corp", "--sid", "sid-id-bob") == ["id-bob"]
    assert shown(config, capsys, "--idp", "corp", "--sid", "other") == []
    assert sessions(config, "list") == 0
    assert "Firefox on Windows" in capsys.readouterr().out


def test_one_session_is_shown_without_a_secret(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_store(config, placed)
    assert sessions(config, "show", "1" * 16, "--json") == 0
    out = capsys.readouterr().out
    document = json.loads(out)
    assert (document["peer"], document["acr"], document["amr"]) == ("192.0.2.7", "mfa", ["otp"])
    assert document["sid"].startswith("sid-id-")
    assert document["has_refresh_token"] is True
    assert "a-secret-refresh-token" not in out
    assert "1" * 17 not in out, "no whole key"
    assert sessions(config, "show", "1" * 16) == 0
    assert "Firefox on Windows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--session", "1" * 16], 3),
        (["--idp", "corp"], 0),
        (["--idp", "corp", "--sid", "sid-id-ada"], 3),
        (["--idp", "corp", "--sid", "other"], 4),
        (["--person", "ada"], 2),
        (["bob"], 2),
    ],
)
def test_what_is_named_ends_and_nothing_else(config: Path, words: list[str], left: int) -> None:
    in_store(config, placed)
    assert sessions(config, "end", *words) == 0
    assert len(in_store(config, keys)) == left
    recorded = in_store(config, lambda store: store.audit.read(AuditQuery(event="end_session")))
    assert all(record["reason"] == "ended_by_operator" for _, record in recorded)
    assert sum(record["sessions"] for _, record in recorded) == 4 - left


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["end"], "say whose sessions end"),
        (["end", "ada", "--idp", "corp"], "say whose sessions end"),
        (["end", "--sid", "x"], "say whose sessions end"),
        (["end", "--session", "f" * 16], "no session has the id"),
        (["end", "--idp", "nowhere"], "there is no IdP with the id 'nowhere'"),
        (["list", "--sid", "x"], "--sid needs --idp"),
        (["show", ""], "no session has the id ''"),
    ],
)
def test_what_names_nothing_is_a_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    in_store(config, placed)
    assert sessions(config, *words) == 2
    assert sentence in capsys.readouterr().err
    assert len(in_store(config, keys)) == 4


def test_digits_that_several_sessions_begin_with_are_not_enough(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def two(store: SqliteStore) -> None:
        await placed(store)
        (held, *_) = await store.sessions.last_used_before(1e12, 1)
        await store.sessions.create(replace(held, key=SessionKey("1" * 63 + "2")))

    in_store(config, two)
    assert sessions(config, "end", "--session", "1" * 16) == 2
    assert "2 sessions have the id" in capsys.readouterr().err
